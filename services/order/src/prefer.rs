//! `Prefer: wait=N` (RFC 7240): time that a caller is willing to wait until an order is confirmed or cancelled.

use std::{convert::Infallible, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};

/// Longest wait granted, in seconds.
const MAX_WAIT: u64 = 10;

/// Granted wait in seconds; `None` if the header is missing or cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PreferWait(pub(crate) Option<u64>);

impl PreferWait {
    pub(crate) fn duration(self) -> Option<Duration> {
        self.0.map(Duration::from_secs)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PreferWait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        Ok(Self(headers.flat_map(|header| header.split(',')).find_map(parse_wait)))
    }
}

/// Parses one preference. A malformed one is ignored, as RFC 7240 requires.
fn parse_wait(preference: &str) -> Option<u64> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("wait") {
        return None;
    }
    let seconds: u64 = value.trim().trim_matches('"').parse().ok()?;
    Some(seconds.min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::parse_wait;

    #[test]
    fn seconds_are_parsed_and_capped_and_anything_else_is_ignored() {
        for (text, seconds) in [
            ("wait=2", Some(2)),
            (" Wait = \"3\" ; x=1", Some(3)),
            ("wait=3600", Some(10)),
            ("wait=0", Some(0)),
            ("wait", None),
            ("wait=-1", None),
            ("wait=soon", None),
            ("respond-async", None),
            ("", None),
        ] {
            assert_eq!(parse_wait(text), seconds, "{text}");
        }
    }
}
