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

/// Returns the version of an entity tag as this API gives it. A proxy that compresses marks the tag as weak, or appends
/// the encoding to it (`"v1.10-gzip"`); the version is the same.
fn version(tag: &str) -> Option<i64> {
    let inner = opaque(tag).strip_prefix("\"v")?.strip_suffix('"')?;
    inner.split(['.', '-']).next()?.parse().ok()
}

/// Returns the opaque part of an entity tag, with its quotes and without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Returns true when `given`, a tag of a request, means the representation of `current`. Compares weakly (RFC 9110,
/// 8.8.3.2), and without the encoding that a proxy appended.
#[must_use]
pub fn is_same_tag(given: &str, current: &HeaderValue) -> bool {
    let given = opaque(given);
    let Ok(current) = current.to_str() else { return false };
    given == current
        || current.strip_suffix('"').is_some_and(|current| {
            let encoding = given.strip_prefix(current).and_then(|rest| rest.strip_prefix('-')?.strip_suffix('"'));
            encoding.is_some_and(|encoding| ["gzip", "br", "zstd", "deflate"].contains(&encoding))
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_a_proxy_weakened_or_extended_has_the_same_version() {
        for tag in ["\"v1.10\"", "W/\"v1.10\"", "\"v1.10-gzip\"", "W/\"v1-br\"", " W/\"v1\" "] {
            assert_eq!(version(tag), Some(1), "{tag}");
        }
        for tag in ["*", "v1", "W/v1", "\"1\"", "\"v\"", "\"v-1\"", "W/W/\"v1\"", "\"v1"] {
            assert_eq!(version(tag), None, "{tag}");
        }
    }

    #[test]
    fn tags_are_compared_weakly_and_without_an_encoding() {
        let current = etag(1, Some(10));
        for (given, is_same) in [
            ("\"v1.10\"", true),
            ("W/\"v1.10\"", true),
            ("W/\"v1.10-gzip\"", true),
            ("\"v1.10-br\"", true),
            ("\"v1.10-9\"", false),
            ("\"v1.1\"", false),
            ("\"v1.100\"", false),
            ("", false),
        ] {
            assert_eq!(is_same_tag(given, &current), is_same, "{given}");
        }
    }
}
