//! `{cipher}` values: what they are made with and read with, exactly as Spring's servers and clients do.
//!
//! The modes are Spring's (CBC without a tag; RSA as configured), so that what is in a repository stays
//! readable. They do not withstand somebody who may try altered texts again and again and see which are
//! refused: `/decrypt` is for administrators only, and they may read every value anyway.

mod aes;
mod pem;
mod prefix;
mod rsa;

use std::{collections::BTreeMap, fmt};

use aes::AesKey;
use rsa::RsaKey;
pub use rsa::{RsaAlgorithm, RsaConfig};

use crate::config::EncryptConfig;

/// What a value begins with that is to be decrypted.
pub const CIPHER: &str = "{cipher}";

/// A password shorter than this is warned of.
const SHORTEST_GOOD_PASSWORD: usize = 16;

/// Why a text was not encrypted or decrypted. Never tells the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// No key is configured.
    #[error("no key was installed for encryption service: set config-server.encrypt.key")]
    NoKey,
    /// The key is a password, which has no public half.
    #[error("no public key available: config-server.encrypt.key is not an RSA key")]
    NoPublicKey,
    /// It is no cipher text, or was made with another key.
    #[error("the text was not encrypted with this key")]
    Invalid,
}

/// Encrypts and decrypts with the configured keys. Its `Debug` shows none of them.
#[derive(Default)]
pub struct Encryptor {
    key: Option<Key>,
    /// By alias, for values that begin `{key:alias}`.
    others: BTreeMap<String, Key>,
}

enum Key {
    Password(Box<AesKey>),
    Rsa(Box<RsaKey>),
}

impl Encryptor {
    /// The keys of `config`. Without any, everything is refused with [`CipherError::NoKey`].
    ///
    /// Errors: every mistake, a sentence each, none of which shows a key.
    pub fn new(config: &EncryptConfig) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut made = |name: &str, text: &str| match Key::new(text, config) {
            Ok(key) => Some(key),
            Err(mistake) => {
                mistakes.push(format!("config-server.encrypt.{name}: {mistake}"));
                None
            }
        };
        let from_file = config.key_file.as_ref().filter(|path| !path.as_os_str().is_empty());
        let key = match (config.key.expose().as_str(), from_file) {
            ("", None) => None,
            (text, None) => made("key", text),
            ("", Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => made("key-file", text.trim_end_matches(['\r', '\n'])),
                Err(error) => return Err(vec![format!("config-server.encrypt.key-file: {}: {error}", path.display())]),
            },
            (_, Some(_)) => return Err(vec!["config-server.encrypt: set key or key-file, not both".to_owned()]),
        };
        let others = config
            .keys
            .iter()
            .filter_map(|(alias, text)| Some((alias.clone(), made(&format!("keys.{alias}"), text.expose())?)))
            .collect();
        if mistakes.is_empty() { Ok(Self { key, others }) } else { Err(mistakes) }
    }

    /// Whether there is a key to encrypt with.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Encrypts `text`, without `{cipher}` before it. Prefixes such as `{key:alias}` choose the key and are
    /// repeated in the answer; `{plain}` ends them, for a text that itself begins with a brace.
    pub fn encrypt(&self, text: &str) -> Result<String, CipherError> {
        let (prefixes, plain) = prefix::split(text);
        let key = self.key_for(&prefixes)?;
        let cipher = match key {
            Key::Password(key) => hex::encode(key.encrypt(plain.as_bytes()).map_err(|_| CipherError::Invalid)?),
            Key::Rsa(key) => key.encrypt(plain.as_bytes())?,
        };
        Ok(format!("{}{cipher}", prefix::join(&prefixes)))
    }

    /// Decrypts what [`Self::encrypt`] made, with or without `{cipher}` before it.
    pub fn decrypt(&self, text: &str) -> Result<String, CipherError> {
        let text = text.strip_prefix(CIPHER).unwrap_or(text);
        let (prefixes, cipher) = prefix::split(text);
        let plain = match self.key_for(&prefixes)? {
            Key::Password(key) => {
                let bytes = hex::decode(cipher).map_err(|_| CipherError::Invalid)?;
                key.decrypt(&bytes).map_err(|_| CipherError::Invalid)?
            }
            Key::Rsa(key) => key.decrypt(cipher)?,
        };
        String::from_utf8(plain).map_err(|_| CipherError::Invalid)
    }

    /// The public half of the key in OpenSSH's form, `ssh-rsa AAAA… application`, as Spring shows it.
    pub fn public_key(&self) -> Result<String, CipherError> {
        self.rsa().map(RsaKey::ssh_public_key)
    }

    /// The public half of the key as PEM, for tools that want that.
    pub fn public_key_pem(&self) -> Result<String, CipherError> {
        self.rsa()?.pem_public_key()
    }

    fn rsa(&self) -> Result<&RsaKey, CipherError> {
        match &self.key {
            Some(Key::Rsa(key)) => Ok(key),
            Some(Key::Password(_)) | None => Err(CipherError::NoPublicKey),
        }
    }

    /// An alias that is not configured means the one key, as in Spring's server with one key.
    fn key_for(&self, prefixes: &[(&str, &str)]) -> Result<&Key, CipherError> {
        let alias = prefixes.iter().find(|(name, _)| *name == "key").map(|(_, alias)| *alias);
        let chosen = alias.and_then(|alias| self.others.get(alias));
        chosen.or(self.key.as_ref()).ok_or(CipherError::NoKey)
    }
}

impl Key {
    /// A PEM private key is one; every other text is a password.
    fn new(text: &str, config: &EncryptConfig) -> Result<Self, String> {
        if pem::is_private_key(text) {
            return RsaKey::new(text, &config.rsa).map(|key| Self::Rsa(Box::new(key)));
        }
        if text.contains("PUBLIC KEY") || text.starts_with("ssh-rsa") {
            return Err("this is a public key; the private one is needed, in PEM".to_owned());
        }
        if text.len() < SHORTEST_GOOD_PASSWORD {
            tracing::warn!("the encryption key is short and may be guessed; use 32 random characters or more");
        }
        AesKey::derive(text, &config.salt).map(|key| Self::Password(Box::new(key))).ok_or_else(bad_salt)
    }
}

fn bad_salt() -> String {
    "the salt is not hexadecimal: config-server.encrypt.salt takes pairs of 0-9 and a-f, such as deadbeef".to_owned()
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor").field("has_key", &self.has_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
