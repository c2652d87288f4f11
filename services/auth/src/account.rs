//! A user's account, its validated names and addresses, and its changes.

use souk_events::{UserChanged, UserRegistered};
use souk_kit::{auth::Role, problem::FieldError, text::Line};
use souk_values::{Secret, Timestamp, UserId};

const MAX_USERNAME_LENGTH: usize = 40;
/// Longest address accepted: 191 characters of utf8mb4 fit into a unique index of older MySQL engines (767 bytes).
const MAX_EMAIL_LENGTH: usize = 191;

/// User name in a request, which [`Username::parse`] checks further.
pub(crate) type UsernameLine = Line<MAX_USERNAME_LENGTH>;
/// E-mail address in a request, which [`Email::parse`] checks further.
pub(crate) type EmailLine = Line<MAX_EMAIL_LENGTH>;

/// A valid user name: 3 to 40 ASCII letters, digits, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Username(String);

impl Username {
    /// Trims and checks a name.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let fits = (3..=MAX_USERNAME_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(field_error("username", "must have 3 to 40 letters, digits, '_', '.' or '-'"))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which the name is unique: in lower case.
    pub(crate) fn key(&self) -> String {
        fold(&self.0)
    }
}

/// A valid e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Trims and checks an address.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.len() > MAX_EMAIL_LENGTH {
            return Err(field_error("email", "must have at most 191 characters"));
        }
        match garde::rules::email::parse_email(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => Err(field_error("email", "must be an e-mail address")),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which the address is unique: in lower case.
    pub(crate) fn key(&self) -> String {
        fold(&self.0)
    }
}

/// Folds a name or address to the form in which it is unique and looked up.
pub(crate) fn fold(text: &str) -> String {
    text.to_ascii_lowercase()
}

pub(crate) fn field_error(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

/// Identifier that a user signs in with, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Username(String),
    Email(String),
}

impl Login {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Username(text) | Self::Email(text) => fold(text),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user_id: UserId,
    pub(crate) username: Username,
    pub(crate) email: Email,
    /// Either `Customer` or `Admin`.
    pub(crate) role: Role,
    /// True if the user may not sign in.
    pub(crate) locked: bool,
    /// Argon2id hash of the password as a PHC string.
    pub(crate) password_hash: Secret,
    /// Sign-ins of an earlier epoch have ended: their refresh tokens are refused.
    pub(crate) sign_in_epoch: i64,
    /// 1 when registered; each change adds one.
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
}

impl Account {
    /// Creates an account of `role`.
    pub(crate) fn register(
        user_id: UserId,
        username: Username,
        email: Email,
        role: Role,
        password_hash: Secret,
        now: Timestamp,
    ) -> (Self, UserRegistered) {
        let account = Self {
            user_id,
            username,
            email,
            role,
            locked: false,
            password_hash,
            sign_in_epoch: 0,
            version: 1,
            created_at: now,
        };
        let event = UserRegistered {
            user_id,
            username: account.username.0.clone(),
            email: account.email.0.clone(),
            role: role_name(role).to_owned(),
            version: account.version,
        };
        (account, event)
    }

    /// Changes name, address or both; `None` when nothing changes.
    pub(crate) fn with_profile(self, username: Option<Username>, email: Option<Email>) -> Option<(Self, UserChanged)> {
        let username = username.unwrap_or_else(|| self.username.clone());
        let email = email.unwrap_or_else(|| self.email.clone());
        if (&username, &email) == (&self.username, &self.email) {
            return None;
        }
        Some(Self { username, email, ..self }.changed())
    }

    /// Changes role, lock or both; `None` when nothing changes. A new role or a lock ends all sign-ins.
    pub(crate) fn with_rights(self, role: Option<Role>, locked: Option<bool>) -> Option<(Self, UserChanged)> {
        let role = role.unwrap_or(self.role);
        let locked = locked.unwrap_or(self.locked);
        if (role, locked) == (self.role, self.locked) {
            return None;
        }
        let ends = i64::from(role != self.role || locked);
        Some(Self { role, locked, sign_in_epoch: self.sign_in_epoch + ends, ..self }.changed())
    }

    /// Changes the password, which ends all sign-ins.
    pub(crate) fn with_password(self, password_hash: Secret) -> Self {
        Self { password_hash, sign_in_epoch: self.sign_in_epoch + 1, version: self.version + 1, ..self }
    }

    /// True for an admin who may sign in.
    pub(crate) fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && !self.locked
    }

    fn changed(self) -> (Self, UserChanged) {
        let account = Self { version: self.version + 1, ..self };
        let event = UserChanged {
            user_id: account.user_id,
            username: account.username.0.clone(),
            email: account.email.0.clone(),
            role: role_name(account.role).to_owned(),
            locked: account.locked,
            version: account.version,
        };
        (account, event)
    }
}

/// Text of a role in events and stores.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Admin => "admin",
        Role::Guest => "guest",
        Role::Service => "service",
    }
}

#[cfg(test)]
mod tests {
    use souk_values::ids::Id as _;

    use super::*;

    fn account() -> Account {
        let username = Username::parse("ada").unwrap();
        let email = Email::parse("Ada@Example.org").unwrap();
        let id = UserId::new(2).unwrap();
        Account::register(id, username, email, Role::Customer, Secret::new("hash".into()), Timestamp::EPOCH).0
    }

    #[test]
    fn invalid_names_and_addresses_are_refused() {
        for text in ["ab", "", "a b c", "ada@x", "ädä", &"x".repeat(41)] {
            assert!(Username::parse(text).is_err(), "{text}");
        }
        assert_eq!(Username::parse("Ada.L-1_").unwrap().key(), "ada.l-1_");
        let too_long = format!("a@{}.org", "x.".repeat(100));
        let forbidden = ["a@x\n.org", "a\0@x.org", "a@x.org\0", "a\u{202e}@x.org", "a@x.org\r\nBcc: b@x.org"];
        for text in ["", "ada", "ada@", "@x.org", "a b@x.org", "ada@x..org", &too_long].into_iter().chain(forbidden) {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert_eq!(Email::parse(" a@x.org\n").unwrap().as_str(), "a@x.org");
        assert_eq!(Email::parse("Ada@Example.org").unwrap().key(), "ada@example.org");
    }

    #[test]
    fn changed_rights_end_sign_ins_and_other_changes_do_not() {
        let (admin, event) = account().with_rights(Some(Role::Admin), None).unwrap();
        assert_eq!((admin.sign_in_epoch, admin.version, event.role.as_str()), (1, 2, "admin"));
        let (locked, event) = admin.with_rights(None, Some(true)).unwrap();
        assert!(event.locked && !locked.is_active_admin());
        assert_eq!(locked.sign_in_epoch, 2);
        let (open, _) = locked.with_rights(None, Some(false)).unwrap();
        assert_eq!((open.sign_in_epoch, open.version), (2, 4));
        assert!(open.clone().with_rights(Some(Role::Admin), Some(false)).is_none());
        let renamed = open.clone().with_profile(Some(Username::parse("ada2").unwrap()), None).unwrap().0;
        assert_eq!(renamed.sign_in_epoch, open.sign_in_epoch);
        assert_eq!(renamed.clone().with_password(Secret::new("other".into())).sign_in_epoch, 3);
        assert!(renamed.with_profile(None, None).is_none());
    }
}
