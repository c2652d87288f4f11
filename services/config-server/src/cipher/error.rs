//! The failures of encryption and decryption.

use aws_lc_rs::error::Unspecified;

/// A reason why a text was not encrypted or decrypted. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// No key is configured.
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
