//! Preconditions: `ETag` of the form `"v{version}.{stock}"` (or `"v{version}"`), `If-Match` against its version.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
};

use crate::Problem;

/// The version that a caller has seen. Errors: 428 without `If-Match`, 400 when it is no tag of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// 412: the row has another version by now.
    #[must_use]
    pub fn stale() -> Problem {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "if_match.stale",
            "Somebody changed this meanwhile. Read it again and repeat your change.",
        )
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match.required",
                "Send If-Match with the ETag that you read, so that nobody's change is overwritten.",
            ));
        };
        value.to_str().ok().and_then(version).map(Self).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "if_match.invalid", "If-Match takes an ETag as this API gives it.")
        })
    }
}

fn version(tag: &str) -> Option<i64> {
    let inner = tag.trim().strip_prefix("\"v")?.strip_suffix('"')?;
    inner.split('.').next()?.parse().ok()
}

/// The `ETag` of a row: its version, then whatever else changes its body.
#[must_use]
pub fn etag(version: i64, rest: Option<i64>) -> HeaderValue {
    let text = match rest {
        Some(rest) => format!("\"v{version}.{rest}\""),
        None => format!("\"v{version}\""),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"v0\""))
}
