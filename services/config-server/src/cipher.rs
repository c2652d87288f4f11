//! `{cipher}` values, in the formats of Spring's servers and clients.
//!
//! The modes are Spring's (CBC without a tag; RSA as configured), so that existing repositories stay readable. They do
//! not withstand a chosen-ciphertext attack: a caller who may submit altered texts and sees which are refused can learn
//! the plain text. `/decrypt` is therefore restricted to administrators, who may read every value anyway.

mod aes;
mod pem;
mod prefix;
mod rsa;

use std::{collections::BTreeMap, fmt};

use aes::AesKey;
use aws_lc_rs::error::Unspecified;
use rsa::RsaKey;

use crate::config::EncryptConfig;

/// Prefix of a value that the server decrypts.
pub const CIPHER_PREFIX: &str = "{cipher}";

/// Passwords below this length, in bytes, cause a warning at start.
const MIN_PASSWORD_LENGTH: usize = 16;

/// A reason why a text was not encrypted or decrypted. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    #[error("no key was installed for encryption service: set config-server.encrypt.key")]
    NoKey,
    /// The key is a password, which has no public half.
    #[error("no public key available: config-server.encrypt.key is not an RSA key")]
    NoPublicKey,
    /// The text is not cipher text, or was encrypted with another key.
    #[error("the text was not encrypted with this key")]
    Invalid,
}

impl From<Unspecified> for CipherError {
    fn from(_: Unspecified) -> Self {
        Self::Invalid
    }
}

/// Encrypts and decrypts with the configured keys. Its `Debug` shows none of them.
#[derive(Default)]
pub struct Encryptor {
    key: Option<Key>,
    /// Further keys by alias, for values that begin with `{key:alias}`.
    aliased: BTreeMap<String, Key>,
}

enum Key {
    Password(Box<AesKey>),
    Rsa(Box<RsaKey>),
}

impl Encryptor {
    /// Loads the keys of `config`. Without any, every operation fails with [`CipherError::NoKey`].
    ///
    /// Errors: every mistake as a sentence, none of which shows a key.
    pub fn new(config: &EncryptConfig) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut load = |name: &str, text: &str| match Key::new(text, config) {
            Ok(key) => Some(key),
            Err(mistake) => {
                mistakes.push(format!("config-server.encrypt.{name}: {mistake}"));
                None
            }
        };
        let from_file = config.key_file.as_ref().filter(|path| !path.as_os_str().is_empty());
        let key = match (config.key.expose().as_str(), from_file) {
            ("", None) => None,
            (text, None) => load("key", text),
            ("", Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => load("key-file", text.trim_end_matches(['\r', '\n'])),
                Err(error) => return Err(vec![format!("config-server.encrypt.key-file: {}: {error}", path.display())]),
            },
            (_, Some(_)) => return Err(vec!["config-server.encrypt: set key or key-file, not both".to_owned()]),
        };
        let aliased = config
            .keys
            .iter()
            .filter_map(|(alias, text)| Some((alias.clone(), load(&format!("keys.{alias}"), text.expose())?)))
            .collect();
        if mistakes.is_empty() { Ok(Self { key, aliased }) } else { Err(mistakes) }
    }

    /// True when there is a key to encrypt with.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Encrypts `text` and returns the cipher text without `{cipher}`. Prefixes such as `{key:alias}` select the key
    /// and are repeated in the result; `{plain}` ends them, for a text that begins with a brace itself.
    pub fn encrypt(&self, text: &str) -> Result<String, CipherError> {
        let (prefixes, plain) = prefix::split(text);
        let cipher = match self.key_for(&prefixes)? {
            Key::Password(key) => hex::encode(key.encrypt(plain.as_bytes())?),
            Key::Rsa(key) => key.encrypt(plain.as_bytes())?,
        };
        Ok(format!("{}{cipher}", prefix::join(&prefixes)))
    }

    /// Decrypts the result of [`Self::encrypt`], with or without `{cipher}` before it.
    pub fn decrypt(&self, text: &str) -> Result<String, CipherError> {
        let text = text.strip_prefix(CIPHER_PREFIX).unwrap_or(text);
        let (prefixes, cipher) = prefix::split(text);
        let plain = match self.key_for(&prefixes)? {
            Key::Password(key) => key.decrypt(&hex::decode(cipher).map_err(|_| CipherError::Invalid)?)?,
            Key::Rsa(key) => key.decrypt(cipher)?,
        };
        String::from_utf8(plain).map_err(|_| CipherError::Invalid)
    }

    /// Returns the public half of the key in OpenSSH's form, `ssh-rsa AAAA… application`, as Spring's server does.
    pub fn public_key(&self) -> Result<String, CipherError> {
        Ok(self.rsa()?.ssh.clone())
    }

    /// Returns the public half of the key as PEM, `-----BEGIN PUBLIC KEY-----`.
    pub fn public_key_pem(&self) -> Result<String, CipherError> {
        self.rsa()?.pem_public_key()
    }

    fn rsa(&self) -> Result<&RsaKey, CipherError> {
        match &self.key {
            Some(Key::Rsa(key)) => Ok(key),
            Some(Key::Password(_)) | None => Err(CipherError::NoPublicKey),
        }
    }

    /// An alias that is not configured means the only key, as in Spring's server with a single key.
    fn key_for(&self, prefixes: &[(&str, &str)]) -> Result<&Key, CipherError> {
        let alias = prefixes.iter().find(|(name, _)| *name == "key").map(|(_, alias)| *alias);
        let chosen = alias.and_then(|alias| self.aliased.get(alias));
        chosen.or(self.key.as_ref()).ok_or(CipherError::NoKey)
    }
}

impl Key {
    /// Takes a PEM private key as such, and every other text as a password.
    fn new(text: &str, config: &EncryptConfig) -> Result<Self, String> {
        if pem::is_private_key(text) {
            return RsaKey::new(text, &config.rsa).map(|key| Self::Rsa(Box::new(key)));
        }
        if text.contains("PUBLIC KEY") || text.starts_with("ssh-rsa") {
            return Err("this is a public key; the private one is needed, in PEM".to_owned());
        }
        if text.len() < MIN_PASSWORD_LENGTH {
            tracing::warn!("the encryption key is short and may be guessed; use 32 random characters or more");
        }
        let key = AesKey::derive(text, &config.salt)?;
        Ok(Self::Password(Box::new(key)))
    }
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor").field("has_key", &self.has_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
