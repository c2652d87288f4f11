//! The rules for passwords, and their hashes.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use souk_kit::{StartError, problem::FieldError};
use souk_values::{IdGen, Secret};

use crate::{
    account::{Email, Username, field_error, fold},
    error::AuthError,
    hashing::{HashingThreads, Lane, Memory},
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

/// Hashes and verifies passwords on threads of its own.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    threads: HashingThreads,
    ids: IdGen,
}

impl Hasher {
    /// Creates a hasher that draws its salts from `ids`.
    pub(crate) fn new(ids: IdGen) -> Result<Self, StartError> {
        Ok(Self { threads: HashingThreads::start()?, ids })
    }

    /// Returns the hash of `password` as a PHC string. Errors: `Busy`.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<Secret, AuthError> {
        let salt = self.ids.token(16);
        let hashing = self.threads.run(Lane::New, move |memory| hash(memory, password.0.expose(), salt.as_bytes()));
        hashing.await?.map_err(defect)
    }

    /// Verifies `password` against `hash`. Without a hash it takes as long and returns false. Errors: `Busy`.
    pub(crate) async fn verify(&self, lane: Lane, password: &Secret, hash: Option<&Secret>) -> Result<bool, AuthError> {
        let password = password.clone();
        let hash = hash.cloned();
        let verifying = self.threads.run(lane, move |memory| {
            let text = hash.as_ref().map_or(DUMMY_HASH, |hash| hash.expose());
            Ok(verify(memory, password.expose(), text)? && hash.is_some())
        });
        verifying.await?.map_err(defect)
    }
}

fn defect(error: Error) -> AuthError {
    AuthError::Defect(format!("a password could not be hashed: {error}"))
}

/// Returns the PHC string of a password, hashed with the recommended parameters.
fn hash(memory: &mut Memory, password: &str, salt: &[u8]) -> Result<Secret, Error> {
    let argon2 = Argon2::default();
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(Salt::new(salt)?),
        hash: Some(output(&argon2, memory, (password, salt), Params::DEFAULT_OUTPUT_LEN)?),
    };
    Ok(Secret::new(hash.to_string()))
}

/// Compares in constant time.
fn verify(memory: &mut Memory, password: &str, text: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(text)?;
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
    let (salt, expected) = (stored.salt.ok_or(Error::SaltInvalid)?, stored.hash.ok_or(Error::OutputSize)?);
    Ok(output(&argon2, memory, (password, &salt), expected.len())? == expected)
}

fn output(
    argon2: &Argon2<'_>,
    memory: &mut Memory,
    (password, salt): (&str, &[u8]),
    length: usize,
) -> Result<Output, Error> {
    memory.resize(argon2.params().block_count(), Block::default());
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut *memory)?;
    Ok(Output::new(out)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argon2::{PasswordHasher as _, PasswordVerifier as _};
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
        let hasher = Hasher::new(IdGen::new(Arc::new(SystemClock))).unwrap();
        let password = NewPassword::parse("password", &secret("correct horse"), None, None).unwrap();
        let hash = hasher.hash(password.clone()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(hasher.verify(Lane::Known, &secret("correct horse"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(Lane::Known, &secret("correct hors"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(Lane::Known, &secret("correct horse"), None).await.unwrap());
        assert_ne!(hasher.hash(password.clone()).await.unwrap().expose(), hash.expose(), "salted");
        assert!(!format!("{password:?} {hash:?}").contains("horse"));
    }

    #[test]
    fn hashes_are_those_of_the_library_whatever_the_memory_held_before() {
        let mut memory = Memory::new();
        for (m_cost, password) in [(19_456, "correct horse"), (8_192, "another"), (19_456, "correct horse")] {
            let argon2 = Argon2::from(Params::new(m_cost, 2, 1, None).unwrap());
            let stored = argon2.hash_password_with_salt(password.as_bytes(), b"salt of the test").unwrap().to_string();
            assert!(verify(&mut memory, password, &stored).unwrap());
            assert!(!verify(&mut memory, "wrong", &stored).unwrap());
        }
        let ours = hash(&mut memory, "correct horse", b"salt of the test").unwrap();
        let hash = PasswordHash::new(ours.expose()).unwrap();
        Argon2::default().verify_password(b"correct horse", &hash).unwrap();
        for damaged in ["", "$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=1,t=2,p=1$c2FsdHNhbHQ$AAAA", "$x$y"] {
            assert!(verify(&mut memory, "correct horse", damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn the_dummy_hash_costs_as_much_as_any_other() {
        let dummy = PasswordHash::new(DUMMY_HASH).unwrap();
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(costs(&Params::try_from(&dummy).unwrap()), costs(&Params::default()));
    }
}
