//! Messages about accounts, and the contacts that auth's events carry.

use serde_json::json;
use souk_events::{PasswordResetRequested, UserChanged, UserEmailChanged, UserPasswordChanged, UserRegistered};
use souk_values::{Language, Secret};

use super::{Audience, Contact, MailAddress, Message};
use crate::{facts::NoticeFacts, kind::Kind};

pub(crate) fn registered_contact(event: &UserRegistered) -> Contact {
    Contact {
        user_id: event.user_id,
        address: MailAddress { name: event.username.clone(), email: event.email.clone() },
        language: language_of(event.language.as_deref()),
        is_admin: event.role == "admin",
        version: event.version,
    }
}

/// A locked admin no longer gets the messages for admins.
pub(crate) fn changed_contact(event: &UserChanged) -> Contact {
    Contact {
        user_id: event.user_id,
        address: MailAddress { name: event.username.clone(), email: event.email.clone() },
        language: language_of(event.language.as_deref()),
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
    let shown = NoticeFacts { expires_at: Some(event.expires_at), ..NoticeFacts::default() };
    Message {
        address: Some(MailAddress { name: event.username.clone(), email: event.email.clone() }),
        token: Some(Secret::new(event.token.clone())),
        language: language_of(event.language.as_deref()),
        good_until: Some(event.expires_at),
        ..Message::new(Kind::PasswordReset, Audience::User(event.user_id), None, facts).showing(shown)
    }
}

/// Goes to the old address, whose owner may be the only one who does not know of the change.
pub(crate) fn email_changed(event: &UserEmailChanged) -> Message {
    let facts = json!({"changed_at": event.changed_at, "new_email": masked(&event.new_email)});
    Message {
        address: Some(MailAddress { name: event.username.clone(), email: event.old_email.clone() }),
        ..Message::new(Kind::EmailChanged, Audience::User(event.user_id), "/".to_owned(), facts)
    }
}

/// Goes to the address of the time of the change, even if the account has another one by now.
pub(crate) fn password_changed(event: &UserPasswordChanged) -> Message {
    let facts = json!({"changed_at": event.changed_at});
    Message {
        address: Some(MailAddress { name: event.username.clone(), email: event.email.clone() }),
        ..Message::new(Kind::PasswordChanged, Audience::User(event.user_id), "/forgot-password".to_owned(), facts)
    }
}

/// `None` for events of earlier releases, and for a language that only a later release has.
fn language_of(tag: Option<&str>) -> Option<Language> {
    tag.and_then(Language::of_tag)
}

/// `ada@example.org` as `a…@example.org`: the reader recognizes an own address, and does not learn another's.
fn masked(email: &str) -> String {
    let (name, host) = email.rsplit_once('@').unwrap_or((email, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}…@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_shows_its_first_letter_and_its_host() {
        for (email, shown) in [("ada@example.org", "a…@example.org"), ("ä@x", "ä…@x"), ("", "…@")] {
            assert_eq!(masked(email), shown);
        }
    }
}
