//! Passwords: what is taken as one, and hashing them in a bounded pool.

use std::{num::NonZero, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{Error, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use souk_kit::problem::FieldError;
use souk_values::{IdGen, Secret};
use tokio::sync::Semaphore;

use crate::{
    account::{Email, Username, key, wrong},
    error::AuthError,
};

/// Argon2id with OWASP's parameters (19 MiB, two passes, one lane), of no password at all: what a
/// guess at an unknown user is checked against, so that it takes as long as any other.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A new password that was checked: 10 to 256 characters, and neither the name nor the address.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret);

impl NewPassword {
    /// Checks `text` as the password of `username` and `email`, named `field` in the body.
    /// Errors: what is wrong with it.
    pub fn parse(
        field: &str,
        text: &Secret,
        username: Option<&Username>,
        email: Option<&Email>,
    ) -> Result<Self, FieldError> {
        if !(10..=256).contains(&text.expose().chars().count()) {
            return Err(wrong(field, "takes 10 to 256 characters"));
        }
        let folded = key(text.expose());
        if username.is_some_and(|name| name.key() == folded) || email.is_some_and(|email| email.key() == folded) {
            return Err(wrong(field, "must not be the name or the address"));
        }
        Ok(Self(text.clone()))
    }

    /// The operator's own choice, taken as it is.
    pub fn of_operator(text: Secret) -> Self {
        Self(text)
    }
}

/// Hashes and checks passwords, as many at a time as there are cores: each takes 19 MiB.
#[derive(Debug, Clone)]
pub struct Hasher {
    room: Arc<Semaphore>,
    ids: IdGen,
}

impl Hasher {
    /// A hasher whose salts come from `ids`.
    pub fn new(ids: IdGen) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { room: Arc::new(Semaphore::new(cores)), ids }
    }

    /// The PHC string of `password`.
    pub async fn hash(&self, password: NewPassword) -> Result<Secret, AuthError> {
        let salt = self.ids.token(16);
        self.run(move || {
            let hash: PasswordHash =
                Argon2::default().hash_password_with_salt(password.0.expose().as_bytes(), salt.as_bytes())?;
            Ok(Secret::new(hash.to_string()))
        })
        .await
    }

    /// Whether `password` is the one of `hash`. Without a hash it takes as long, and is not.
    pub async fn is_right(&self, password: &Secret, hash: Option<&Secret>) -> Result<bool, AuthError> {
        let (password, hash) = (password.clone(), hash.cloned());
        self.run(move || {
            let text = hash.as_ref().map_or(NOBODY, |hash| hash.expose());
            match Argon2::default().verify_password(password.expose().as_bytes(), &PasswordHash::new(text)?) {
                Ok(()) => Ok(hash.is_some()),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, AuthError> {
        let closed = |error: &dyn std::fmt::Display| AuthError::Defect(format!("hashing stopped: {error}"));
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(|error| closed(&error))?;
        // The place goes along, so that a caller who leaves does not make room for more than fit.
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        let outcome = done.await.map_err(|error| closed(&error))?;
        outcome.map_err(|error| AuthError::Defect(format!("a password could not be hashed: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use argon2::Params;
    use souk_values::SystemClock;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn weak_passwords_are_refused() {
        let (name, email) = (Username::parse("ada-lovelace").unwrap(), Email::parse("ada@example.org").unwrap());
        let parse = |text: &str| NewPassword::parse("password", &secret(text), Some(&name), Some(&email));
        for text in ["", "short", "123456789", "ADA-lovelace", "ada@EXAMPLE.org", &"x".repeat(257)] {
            assert!(parse(text).is_err(), "{text}");
        }
        parse("1234567890").unwrap();
        parse(&"ü".repeat(256)).unwrap();
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_hides_itself() {
        let hasher = Hasher::new(IdGen::new(Arc::new(SystemClock)));
        let password = NewPassword::parse("password", &secret("correct horse"), None, None).unwrap();
        let hash = hasher.hash(password.clone()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(hasher.is_right(&secret("correct horse"), Some(&hash)).await.unwrap());
        assert!(!hasher.is_right(&secret("correct hors"), Some(&hash)).await.unwrap());
        assert!(!hasher.is_right(&secret("correct horse"), None).await.unwrap());
        assert_ne!(hasher.hash(password.clone()).await.unwrap().expose(), hash.expose(), "salted");
        assert!(!format!("{password:?} {hash:?}").contains("horse"));
    }

    #[test]
    fn nobody_costs_what_anybody_costs() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(costs(&Params::try_from(&nobody).unwrap()), costs(&Params::default()));
    }
}
