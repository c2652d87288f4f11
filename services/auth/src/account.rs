//! A user's account, its validated names and addresses, and its changes.

use souk_events::{UserChanged, UserEmailChanged, UserPasswordChanged, UserRegistered};
use souk_kit::{auth::Role, problem::FieldError, text::Line};
use souk_values::{Language, Secret, Timestamp, UserId};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Chinese and Korean names have two characters.
const MIN_USERNAME_LENGTH: usize = 2;
const MAX_USERNAME_LENGTH: usize = 40;
/// Longest address accepted: 191 characters of utf8mb4 fit into a unique index of older MySQL engines (767 bytes).
const MAX_EMAIL_LENGTH: usize = 191;

/// User name in a request, which [`Username::parse`] checks further.
pub(crate) type UsernameLine = Line<MAX_USERNAME_LENGTH>;
/// E-mail address in a request, which [`Email::parse`] checks further.
pub(crate) type EmailLine = Line<MAX_EMAIL_LENGTH>;

/// A valid user name: 2 to 40 letters of any script, digits, single spaces, `_`, `.`, `-` or `'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Username(String);

impl Username {
    /// Checks a name, without the space around it.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldError> {
        let name = Self(text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect());
        let is_long = |text: &str| text.chars().count() > MAX_USERNAME_LENGTH;
        let fits = name.0.chars().count() >= MIN_USERNAME_LENGTH && !is_long(&name.0) && !is_long(&name.key());
        if fits && name.0.chars().any(char::is_alphanumeric) && name.0.chars().all(is_of_name) {
            Ok(name)
        } else {
            Err(field_error("username", "must have 2 to 40 letters, digits, spaces, '_', '.', '-' or apostrophes"))
        }
    }

    /// Derives a name from the local part of `email`; with `number`, another one than others have.
    pub(crate) fn derived(email: &Email, number: Option<i64>) -> Result<Self, FieldError> {
        let local = email.0.split('@').next().unwrap_or_default();
        let mut name: String = local.chars().map(|letter| if is_of_name(letter) { letter } else { '-' }).collect();
        name.truncate(MAX_USERNAME_LENGTH);
        let needs_number = Self::parse(&name).is_err();
        if let Some(number) = number.or_else(|| needs_number.then_some(0)) {
            // Room for a hyphen and five digits; the local part is ASCII.
            name.truncate(MAX_USERNAME_LENGTH - 6);
            name = format!("{name}-{:05}", number.rem_euclid(100_000));
        }
        Self::parse(&name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which the name is unique: in lower case.
    pub(crate) fn key(&self) -> String {
        fold(&self.0)
    }
}

fn is_of_name(letter: char) -> bool {
    // Fillers of Hangul are letters that display nothing.
    let is_filler = matches!(letter, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    (letter.is_alphanumeric() && !is_filler)
        || is_combining_mark(letter)
        || matches!(letter, ' ' | '_' | '.' | '-' | '\'')
}

/// A valid e-mail address. An international domain is kept in its ASCII form, in which mail servers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Checks an address, without the space around it.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldError> {
        let invalid = || field_error("email", "must be an e-mail address");
        let address = with_ascii_domain(text.trim()).ok_or_else(invalid)?;
        if address.len() > MAX_EMAIL_LENGTH {
            return Err(field_error("email", "must have at most 191 characters"));
        }
        garde::rules::email::parse_email(&address).map_err(|_| invalid())?;
        Ok(Self(address))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which the address is unique: in lower case.
    pub(crate) fn key(&self) -> String {
        fold(&self.0)
    }
}

/// Returns `address` with its domain in ASCII (IDNA), as it is where it is ASCII already; `None` when there is no such domain.
fn with_ascii_domain(address: &str) -> Option<String> {
    match address.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => {
            let domain = idna::domain_to_ascii_strict(domain).ok()?;
            Some(format!("{local}@{domain}"))
        }
        _ => Some(address.to_owned()),
    }
}

/// Folds a name or address to the form in which it is unique and looked up: in lower case, and without differences of
/// width and ligatures (NFKC).
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.nfkc().flat_map(char::to_lowercase).nfkc().collect() }
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
            Self::Username(text) => fold(&text.split_whitespace().collect::<Vec<_>>().join(" ")),
            Self::Email(text) => fold(&with_ascii_domain(text).unwrap_or_else(|| text.clone())),
        }
    }
}

/// Checks the language of a request, which has to be one of the shop's.
pub(crate) fn parse_language(code: &str) -> Result<Language, FieldError> {
    let codes = Language::ALL.map(Language::code).join(", ");
    Language::with_code(code).ok_or_else(|| field_error("language", &format!("must be one of: {codes}")))
}

/// Details that users give about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) username: Username,
    pub(crate) email: Email,
    /// Language of pages and mails.
    pub(crate) language: Language,
}

/// A change of a [`Profile`]; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProfileChange {
    pub(crate) username: Option<Username>,
    pub(crate) email: Option<Email>,
    pub(crate) language: Option<Language>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user_id: UserId,
    pub(crate) username: Username,
    pub(crate) email: Email,
    /// Language of the mails to this user.
    pub(crate) language: Language,
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
        profile: Profile,
        role: Role,
        password_hash: Secret,
        now: Timestamp,
    ) -> (Self, UserRegistered) {
        let Profile { username, email, language } = profile;
        let account = Self {
            user_id,
            username,
            email,
            language,
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
            language: Some(language.code().to_owned()),
            version: account.version,
        };
        (account, event)
    }

    /// Changes name, address or language; `None` when nothing changes.
    pub(crate) fn with_profile(self, change: ProfileChange) -> Option<(Self, UserChanged)> {
        let username = change.username.unwrap_or_else(|| self.username.clone());
        let email = change.email.unwrap_or_else(|| self.email.clone());
        let language = change.language.unwrap_or(self.language);
        if (&username, &email, language) == (&self.username, &self.email, self.language) {
            return None;
        }
        Some(Self { username, email, language, ..self }.changed())
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
    pub(crate) fn with_password(self, password_hash: Secret, now: Timestamp) -> (Self, UserPasswordChanged) {
        let account = Self { password_hash, sign_in_epoch: self.sign_in_epoch + 1, version: self.version + 1, ..self };
        let event = UserPasswordChanged {
            user_id: account.user_id,
            username: account.username.0.clone(),
            email: account.email.0.clone(),
            changed_at: now,
            version: account.version,
        };
        (account, event)
    }

    /// Returns the event for the owner of the address that the account had `before`, if it has another one now.
    pub(crate) fn email_changed(&self, before: &Self, now: Timestamp) -> Option<UserEmailChanged> {
        (self.email.key() != before.email.key()).then(|| UserEmailChanged {
            user_id: self.user_id,
            username: self.username.0.clone(),
            old_email: before.email.0.clone(),
            new_email: self.email.0.clone(),
            changed_at: now,
            version: self.version,
        })
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
            language: Some(account.language.code().to_owned()),
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
        let profile = Profile {
            username: Username::parse("ada").unwrap(),
            email: Email::parse("Ada@Example.org").unwrap(),
            language: Language::English,
        };
        let id = UserId::new(2).unwrap();
        Account::register(id, profile, Role::Customer, Secret::new("hash".into()), Timestamp::EPOCH).0
    }

    #[test]
    fn invalid_names_and_addresses_are_refused() {
        let invisible = ["\u{3164}\u{3164}", "\u{301}\u{301}", "ab\u{200d}", "- -", "a\u{0}b"];
        for text in
            ["a", "", "ada@x", "a/b", "<b>", &"x".repeat(41), &"\u{fdfa}".repeat(3)].into_iter().chain(invisible)
        {
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
    fn names_have_letters_of_any_script() {
        for text in ["李娜", "Анна Каренина", "Nguyễn Thị Ánh", "محمد علي", "O'Neill", "ส้มโอ", "José-María"]
        {
            assert_eq!(Username::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Username::parse("  Ada \u{3000} Byron ").unwrap().as_str(), "Ada Byron");
        assert_eq!(Username::parse("ＡＤＡ").unwrap().key(), "ada");
        assert_eq!(Username::parse("ANNE\u{301}E").unwrap().key(), Username::parse("année").unwrap().key());
        assert_eq!(Login::Username(" ada  byron ".into()).key(), "ada byron");
    }

    #[test]
    fn a_name_is_derived_from_the_address() {
        let derived = |email: &str, number| Username::derived(&Email::parse(email).unwrap(), number).unwrap().0;
        assert_eq!(derived("ada.byron@x.org", None), "ada.byron");
        assert_eq!(derived("ada+souk@x.org", None), "ada-souk");
        assert_eq!(derived("a@x.org", None), "a-00000");
        assert_eq!(derived("ada@x.org", Some(1_234_567)), "ada-34567");
        let long = format!("{}@x.org", "x".repeat(64));
        assert_eq!(derived(&long, None).len(), 40);
        assert_eq!(derived(&long, Some(7)), format!("{}-00007", "x".repeat(34)));
        assert_eq!(derived("!#$@x.org", Some(7)), "----00007");
    }

    #[test]
    fn an_international_domain_has_one_spelling() {
        let key = Email::parse("ada@xn--mnchen-3ya.de").unwrap().key();
        for text in ["ada@münchen.de", "ADA@MÜNCHEN.DE", "ada@mu\u{308}nchen。de", "Ada@XN--MNCHEN-3YA.de"] {
            assert_eq!(Email::parse(text).unwrap().key(), key, "{text}");
            assert_eq!(Login::Email(text.into()).key(), key, "{text}");
        }
        for text in ["иван@почта.рф", "ada@münchen..de", "ada@\u{200d}.de", "ada@-ü.de", "ada@ü b.de", "ada@x.org/ü"]
        {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert!(Email::parse("ivan@почта.рф").unwrap().as_str().is_ascii());
        assert!(Email::parse(&format!("ada@{}.de", "ü".repeat(60))).is_err(), "a label of more than 63 bytes");
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
        let name = ProfileChange { username: Some(Username::parse("ada2").unwrap()), ..ProfileChange::default() };
        let renamed = open.clone().with_profile(name).unwrap().0;
        assert_eq!(renamed.sign_in_epoch, open.sign_in_epoch);
        assert_eq!(renamed.clone().with_password(Secret::new("other".into()), Timestamp::EPOCH).0.sign_in_epoch, 3);
        assert!(renamed.with_profile(ProfileChange::default()).is_none());
    }

    #[test]
    fn a_new_language_is_a_change_and_the_same_one_is_none() {
        let change = |language| ProfileChange { language: Some(language), ..ProfileChange::default() };
        assert!(account().with_profile(change(Language::English)).is_none());
        let (german, event) = account().with_profile(change(Language::German)).unwrap();
        assert_eq!((german.language, german.version, event.language.as_deref()), (Language::German, 2, Some("de")));
        assert_eq!(german.username, account().username);
        for code in ["fr", "DE", "de-AT", "", "e"] {
            assert_eq!(parse_language(code).unwrap_err().message, "must be one of: en, de", "{code}");
        }
    }
}
