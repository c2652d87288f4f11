//! `Idempotency-Key`: the caller's promise that two requests with the same key are one act.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
};
use garde::Validate;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::body::{parse, read_json};
use crate::Problem;

/// A key and the hash of its body. Stored in the row that the request creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the body's JSON in canonical form, 64 hexadecimal digits.
    pub body_hash: String,
}

impl Idempotency {
    /// SHA-256 of `scope` and the key, 64 hexadecimal digits: the form that stores keep, so that no engine's collation
    /// takes two keys for one. Keys of different scopes (a route, a caller) never meet.
    #[must_use]
    pub fn digest(&self, scope: &str) -> String {
        hex::encode(Sha256::new().chain_update(scope).chain_update(&self.key).finalize())
    }

    /// Returns the 422 for a key that was used with another body.
    #[must_use]
    pub fn reused() -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key.reused",
            "This Idempotency-Key was used with another body. Use a new key for a new request.",
        )
    }

    /// Returns the 409 for a key whose first request is in progress.
    #[must_use]
    pub fn in_progress() -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key.in_progress",
            "A request with this Idempotency-Key is in progress. Please try again in a moment.",
        )
    }
}

/// A valid JSON body with a required key. Errors: 400 without a key, otherwise as `ValidJson`.
#[derive(Debug, Clone)]
pub struct KeyedJson<T>(pub Idempotency, pub T);

/// A valid JSON body with a key that may be missing.
#[derive(Debug, Clone)]
pub struct MaybeKeyedJson<T>(pub Option<Idempotency>, pub T);

impl<T, S> FromRequest<S> for KeyedJson<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let MaybeKeyedJson(key, body) = MaybeKeyedJson::from_request(request, state).await?;
        let key = key.ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key.required",
                "Send an Idempotency-Key header: a text of your own that is new for each act, such as a UUID.",
            )
        })?;
        Ok(Self(key, body))
    }
}

impl<T, S> FromRequest<S> for MaybeKeyedJson<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let key = read_key(request.headers())?;
        let body = read_json(request).await?;
        let value = parse(&body)?;
        let idempotency = key.map(|key| Idempotency { key, body_hash: hash(&body) });
        Ok(Self(idempotency, value))
    }
}

fn read_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key.invalid",
            "An Idempotency-Key is 1 to 255 visible ASCII characters.",
        )),
    }
}

/// Digest of the body's JSON value: whitespace and the order of fields do not make another body.
fn hash(body: &[u8]) -> String {
    let canonical = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| serde_json::to_vec(&value).ok())
        .unwrap_or_else(|| body.to_vec());
    hex::encode(Sha256::digest(&canonical))
}
