//! The idempotency key as the store keeps it.

use sha2::{Digest, Sha256};
use souk_kit::extract::Idempotency;
use souk_values::UserId;

use super::StoreError;

/// A caller's key, hashed with the caller (the route is the table), and the hash of the body it came with.
/// Hashed, so that no engine's collation takes two keys for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// 64 hexadecimal digits.
    pub key: String,
    /// 64 hexadecimal digits.
    pub body_hash: String,
}

impl RequestKey {
    /// Of this caller's request.
    pub fn new(caller: UserId, request: Idempotency) -> Self {
        use std::fmt::Write as _;
        let mut key = String::with_capacity(64);
        for byte in Sha256::digest(format!("{caller} {}", request.key)) {
            let _ = write!(key, "{byte:02x}");
        }
        Self { key, body_hash: request.body_hash }
    }

    /// Errors: the key came with another body then.
    pub fn must_match(&self, stored_hash: Option<&str>) -> Result<(), StoreError> {
        if stored_hash == Some(self.body_hash.as_str()) { Ok(()) } else { Err(StoreError::KeyReused) }
    }
}
