//! The idempotency key of a request that creates a row, as the row stores it.

use souk_kit::extract::Idempotency;
use souk_values::UserId;

use super::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestKey {
    /// SHA-256 hex of caller and key. Hashed, because an engine's collation may take two keys for the same. The route
    /// is not part of it: each route has its own table.
    pub key: String,
    /// SHA-256 hex of the request's body.
    pub body_hash: String,
}

impl RequestKey {
    pub(crate) fn new(caller: UserId, request: Idempotency) -> Self {
        Self { key: request.digest(&format!("{caller} ")), body_hash: request.body_hash }
    }

    /// Errors: [`StoreError::KeyReused`]; the key came with another body before.
    pub(crate) fn must_match(&self, stored_hash: Option<&str>) -> Result<(), StoreError> {
        if stored_hash == Some(self.body_hash.as_str()) { Ok(()) } else { Err(StoreError::KeyReused) }
    }
}
