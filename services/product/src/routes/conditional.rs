//! Public reads: cacheable for a moment, and not sent again when the caller has them.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// A second fresh; served for five minutes more when the shop does not answer.
pub const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=1, stale-if-error=300");

/// `body` with its tag, or 304 when the caller has this one.
pub fn tagged(headers: &HeaderMap, tag: &HeaderValue, body: &impl Serialize) -> Response {
    let common = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, PUBLIC)];
    if has(headers, tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, Json(body)).into_response()
}

/// Whether the caller has this one. Compares weakly, as RFC 9110 wants for `If-None-Match`.
pub fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/").as_bytes() == tag)
    })
}
