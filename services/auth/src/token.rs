//! Random tokens and the hashes under which the store keeps them.

use sha2::{Digest, Sha256};
use souk_values::{IdGen, Secret};

/// Draws 256 random bits, for a refresh token or a reset token.
pub(crate) fn draw(ids: &IdGen) -> Secret {
    Secret::new(ids.token(32))
}

/// Returns the form in which the store keeps a token: SHA-256, 64 hexadecimal digits.
pub(crate) fn hash(token: &Secret) -> String {
    sha256_hex(token.expose())
}

pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
