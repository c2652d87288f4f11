//! Caching of public reads: `Cache-Control`, and 304 for a caller whose representation is current.

use axum::http::{HeaderMap, HeaderValue, header};
use souk_kit::extract::is_same_tag;

/// Fresh for a second, so that stock is nearly current; a cache may serve it for five minutes more while the shop is
/// unavailable.
pub(crate) const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=1, stale-if-error=300");

/// For what only an admin may see.
pub(crate) const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// Returns true when `If-None-Match` contains `tag`. Compares weakly, as RFC 9110 (13.1.2) requires.
pub(crate) fn is_current(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|one| one.trim() == "*" || is_same_tag(one, tag)))
}
