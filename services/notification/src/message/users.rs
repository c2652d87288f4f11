//! Messages about accounts, and the contacts that auth's events carry.

use serde_json::json;
use souk_events::{PasswordResetRequested, UserChanged, UserRegistered};
use souk_values::Secret;

use super::{Audience, Contact, MailAddress, Message};
use crate::kind::Kind;

pub(crate) fn registered_contact(event: &UserRegistered) -> Contact {
    Contact {
        user_id: event.user_id,
        address: MailAddress { name: event.username.clone(), email: event.email.clone() },
        is_admin: event.role == "admin",
        version: event.version,
    }
}

/// A locked admin no longer gets the messages for admins.
pub(crate) fn changed_contact(event: &UserChanged) -> Contact {
    Contact {
        user_id: event.user_id,
        address: MailAddress { name: event.username.clone(), email: event.email.clone() },
        is_admin: event.role == "admin" && !event.locked,
        version: event.version,
    }
}

pub(crate) fn welcome(event: &UserRegistered) -> Message {
    Message::new(Kind::Welcome, Audience::User(event.user_id), "/".to_owned(), json!({}))
}

/// Goes to the address that the reset was requested for, even if the account has another one by now.
pub(crate) fn password_reset(event: &PasswordResetRequested) -> Message {
    let facts = json!({"expires_at": event.expires_at});
    Message {
        address: Some(MailAddress { name: event.username.clone(), email: event.email.clone() }),
        token: Some(Secret::new(event.token.clone())),
        good_until: Some(event.expires_at),
        ..Message::new(Kind::PasswordReset, Audience::User(event.user_id), None, facts)
    }
}
