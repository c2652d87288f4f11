//! The rules for passwords, and hashing them with bounded concurrency.

use std::{num::NonZero, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{Error, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use souk_kit::problem::FieldError;
use souk_values::{IdGen, Secret};
use tokio::sync::Semaphore;

use crate::{
    account::{Email, Username, field_error, fold},
    error::AuthError,
};

/// Hash of no password, with the parameters recommended by OWASP for argon2id (19 MiB, two passes, one lane). A guess
/// at an unknown user is verified against it, so that it takes as long as at a known one.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A valid new password: 10 to 256 characters, and neither the user name nor the address.
#[derive(Debug, Clone)]
pub(crate) struct NewPassword(Secret);

impl NewPassword {
    /// Checks `text` as the password of `username` and `email`; errors refer to `field` of the body.
    pub(crate) fn parse(
        field: &str,
        text: &Secret,
        username: Option<&Username>,
        email: Option<&Email>,
    ) -> Result<Self, FieldError> {
        if !(10..=256).contains(&text.expose().chars().count()) {
            return Err(field_error(field, "must have 10 to 256 characters"));
        }
        let folded = fold(text.expose());
        if username.is_some_and(|name| name.key() == folded) || email.is_some_and(|email| email.key() == folded) {
            return Err(field_error(field, "must not be the user name or the e-mail address"));
        }
        Ok(Self(text.clone()))
    }

    /// Accepts the operator's own choice as it is.
    pub(crate) fn unchecked(text: Secret) -> Self {
        Self(text)
    }
}

/// Hashes and verifies passwords, at most one per core at a time: each takes 19 MiB.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    ids: IdGen,
}

impl Hasher {
    /// Creates a hasher that draws its salts from `ids`.
    pub(crate) fn new(ids: IdGen) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { permits: Arc::new(Semaphore::new(cores)), ids }
    }

    /// Returns the hash of `password` as a PHC string.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<Secret, AuthError> {
        let salt = self.ids.token(16);
        self.run(move || {
            let hash: PasswordHash =
                Argon2::default().hash_password_with_salt(password.0.expose().as_bytes(), salt.as_bytes())?;
            Ok(Secret::new(hash.to_string()))
        })
        .await
    }

    /// Verifies `password` against `hash`. Without a hash it takes as long and returns false.
    pub(crate) async fn verify(&self, password: &Secret, hash: Option<&Secret>) -> Result<bool, AuthError> {
        let password = password.clone();
        let hash = hash.cloned();
        self.run(move || {
            let text = hash.as_ref().map_or(DUMMY_HASH, |hash| hash.expose());
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
        let closed = |error: &dyn std::fmt::Display| AuthError::Defect(format!("password hashing stopped: {error}"));
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| closed(&error))?;
        // The permit moves along: a caller who disconnects does not stop the hashing, and must not admit another one.
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
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
        let name = Username::parse("ada-lovelace").unwrap();
        let email = Email::parse("ada@example.org").unwrap();
        let parse = |text: &str| NewPassword::parse("password", &secret(text), Some(&name), Some(&email));
        for text in ["", "short", "123456789", "ADA-lovelace", "ada@EXAMPLE.org", &"x".repeat(257)] {
            assert!(parse(text).is_err(), "{text}");
        }
        parse("1234567890").unwrap();
        parse(&"ü".repeat(256)).unwrap();
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only_and_is_not_shown() {
        let hasher = Hasher::new(IdGen::new(Arc::new(SystemClock)));
        let password = NewPassword::parse("password", &secret("correct horse"), None, None).unwrap();
        let hash = hasher.hash(password.clone()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(hasher.verify(&secret("correct horse"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&secret("correct hors"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&secret("correct horse"), None).await.unwrap());
        assert_ne!(hasher.hash(password.clone()).await.unwrap().expose(), hash.expose(), "salted");
        assert!(!format!("{password:?} {hash:?}").contains("horse"));
    }

    #[test]
    fn the_dummy_hash_costs_as_much_as_any_other() {
        let dummy = PasswordHash::new(DUMMY_HASH).unwrap();
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(costs(&Params::try_from(&dummy).unwrap()), costs(&Params::default()));
    }
}
