//! `Prefer: wait=N` (RFC 7240): how long a caller would wait for an order to be settled.

use std::{convert::Infallible, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};

/// The longest wait that is granted, seconds.
const LONGEST: u64 = 10;

/// The seconds to wait; `None` when the caller does not ask for it, or not readably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PreferWait(pub Option<u64>);

impl PreferWait {
    /// How long, if at all.
    pub(crate) fn duration(self) -> Option<Duration> {
        self.0.map(Duration::from_secs)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PreferWait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        Ok(Self(headers.flat_map(|header| header.split(',')).find_map(wait)))
    }
}

/// The first `wait` counts; a preference that cannot be read is as if it were not there.
fn wait(preference: &str) -> Option<u64> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("wait") {
        return None;
    }
    let seconds: u64 = value.trim().trim_matches('"').parse().ok()?;
    Some(seconds.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::wait;

    #[test]
    fn seconds_are_read_and_capped_and_anything_else_is_ignored() {
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
            assert_eq!(wait(text), seconds, "{text}");
        }
    }
}
