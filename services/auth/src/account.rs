//! A registered person: names and addresses that were checked, and what may change.

use souk_events::{UserChanged, UserRegistered};
use souk_kit::{auth::Role, problem::FieldError};
use souk_values::{Secret, Timestamp, UserId};

/// The longest address taken; it stands in a unique index of every engine.
const LONGEST_EMAIL: usize = 191;

/// A name that was checked: 3 to 40 letters, digits, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Checks `text`. Errors: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let fits = (3..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong("username", "takes 3 to 40 letters, digits, '_', '.' or '-'"))
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it unique: the same name in another case is taken.
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// An e-mail address that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Checks `text`. Errors: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.len() > LONGEST_EMAIL {
            return Err(wrong("email", "has more than 191 characters"));
        }
        match garde::rules::email::parse_email(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(_) => Err(wrong("email", "is not an e-mail address")),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it unique.
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// What makes a name or address unique, and what it is found by.
pub fn key(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A field that is not allowed, and why.
pub fn wrong(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

/// How somebody says who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// By name, in any case.
    Username(String),
    /// By address, in any case.
    Email(String),
}

impl Login {
    /// What it is found by.
    pub fn key(&self) -> String {
        match self {
            Self::Username(text) | Self::Email(text) => key(text),
        }
    }
}

/// A registered person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user_id: UserId,
    /// The name shown.
    pub username: Username,
    /// Where mail goes.
    pub email: Email,
    /// Customer or admin.
    pub role: Role,
    /// Whether signing in is refused.
    pub locked: bool,
    /// The password's argon2id hash, a PHC string.
    pub password_hash: Secret,
    /// Sign-ins of an earlier epoch are over.
    pub sign_in_epoch: i64,
    /// Grows with each change.
    pub version: i64,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl Account {
    /// A new account of `role`.
    pub fn register(
        user_id: UserId,
        (username, email): (Username, Email),
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

    /// The account with another name, address or both; `None` when nothing changes.
    pub fn with_profile(self, username: Option<Username>, email: Option<Email>) -> Option<(Self, UserChanged)> {
        let username = username.unwrap_or_else(|| self.username.clone());
        let email = email.unwrap_or_else(|| self.email.clone());
        if (&username, &email) == (&self.username, &self.email) {
            return None;
        }
        Some(Self { username, email, ..self }.changed())
    }

    /// The account with another role, lock or both; `None` when nothing changes. A new role or a lock
    /// ends all its sign-ins.
    pub fn with_rights(self, role: Option<Role>, locked: Option<bool>) -> Option<(Self, UserChanged)> {
        let (role, locked) = (role.unwrap_or(self.role), locked.unwrap_or(self.locked));
        if (role, locked) == (self.role, self.locked) {
            return None;
        }
        let ends = i64::from(role != self.role || locked);
        Some(Self { role, locked, sign_in_epoch: self.sign_in_epoch + ends, ..self }.changed())
    }

    /// The account with another password; all its sign-ins end.
    pub fn with_password(self, password_hash: Secret) -> Self {
        Self { password_hash, sign_in_epoch: self.sign_in_epoch + 1, version: self.version + 1, ..self }
    }

    /// Whether this runs the shop now.
    pub fn is_acting_admin(&self) -> bool {
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

/// A role as events and stores write it.
pub fn role_name(role: Role) -> &'static str {
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
        let names = (Username::parse("ada").unwrap(), Email::parse("Ada@Example.org").unwrap());
        let id = UserId::new(2).unwrap();
        Account::register(id, names, Role::Customer, Secret::new("hash".into()), Timestamp::EPOCH).0
    }

    #[test]
    fn names_and_addresses_are_checked() {
        for text in ["ab", "", "a b c", "ada@x", "ädä", &"x".repeat(41)] {
            assert!(Username::parse(text).is_err(), "{text}");
        }
        assert_eq!(Username::parse("Ada.L-1_").unwrap().key(), "ada.l-1_");
        let too_long = format!("a@{}.org", "x.".repeat(100));
        for text in ["", "ada", "ada@", "@x.org", "a b@x.org", "ada@x..org", "a@x.org\n", too_long.as_str()] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert_eq!(Email::parse("Ada@Example.org").unwrap().key(), "ada@example.org");
    }

    #[test]
    fn rights_that_change_end_sign_ins_and_others_do_not() {
        let (admin, event) = account().with_rights(Some(Role::Admin), None).unwrap();
        assert_eq!((admin.sign_in_epoch, admin.version, event.role.as_str()), (1, 2, "admin"));
        let (locked, event) = admin.with_rights(None, Some(true)).unwrap();
        assert!(event.locked && !locked.is_acting_admin());
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
