//! News of accounts.

use serde_json::json;
use souk_events::{PasswordResetRequested, UserChanged, UserRegistered};
use souk_values::Secret;

use super::{Address, Audience, Contact, News};
use crate::Kind;

/// Whom to write to from now on.
#[must_use]
pub fn contact_registered(event: &UserRegistered) -> Contact {
    Contact {
        user_id: event.user_id,
        address: Address { name: event.username.clone(), email: event.email.clone() },
        is_admin: event.role == "admin",
        version: event.version,
    }
}

/// Whom to write to from now on. A locked admin is not told the shop's affairs.
#[must_use]
pub fn contact_changed(event: &UserChanged) -> Contact {
    Contact {
        user_id: event.user_id,
        address: Address { name: event.username.clone(), email: event.email.clone() },
        is_admin: event.role == "admin" && !event.locked,
        version: event.version,
    }
}

/// A greeting for a new account.
#[must_use]
pub fn welcome(event: &UserRegistered) -> News {
    News::new(Kind::Welcome, Audience::User(event.user_id), "/".to_owned(), json!({}))
}

/// The way to a new password; goes to the address that the request was made for.
#[must_use]
pub fn password_reset(event: PasswordResetRequested) -> News {
    let facts = json!({"expires_at": event.expires_at});
    News {
        address: Some(Address { name: event.username, email: event.email }),
        token: Some(Secret::new(event.token)),
        good_until: Some(event.expires_at),
        ..News::new(Kind::PasswordReset, Audience::User(event.user_id), None, facts)
    }
}
