//! `Idempotency-Key`: the caller's promise that two requests with it are one.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
};
use garde::Validate;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::body::{parse, read_json};
use crate::Problem;

/// A key with the hash of the body it came with. Stored in the row that the request creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the body's JSON in canonical form, 64 hexadecimal digits.
    pub body_hash: String,
}

impl Idempotency {
    /// 422: the key was used before with another body.
    #[must_use]
    pub fn reused() -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key.reused",
            "This Idempotency-Key was used with another body. Use a new key for a new request.",
        )
    }

    /// 409: the first request with the key is not finished.
    #[must_use]
    pub fn in_progress() -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key.in_progress",
            "A request with this Idempotency-Key is being worked on. Ask again in a moment.",
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

/// Whitespace and the order of fields do not make another body.
fn hash(body: &[u8]) -> String {
    let canonical = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| serde_json::to_vec(&value).ok())
        .unwrap_or_else(|| body.to_vec());
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(&canonical) {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
    }
    text
}
