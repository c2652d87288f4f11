//! Compression of the services' public answers, as small as the client accepts.
//!
//! Only answers that caches may keep for everybody are compressed: they hold no token and nothing of a person, which their
//! compressed size could give away (BREACH). Streams have no known length, and pass frame by frame.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use quick_cache::{Weighter, sync::Cache};
use souk_kit::encoding::{Accepted, Encoding, WORTH};

use crate::response::{BodyError, GatewayResponse, ResponseBody};

/// Largest body that is compressed, in bytes.
const LARGEST: usize = 1 << 20;
/// Size in bytes above which compressing takes so long that other requests would notice.
const LONG: usize = 64 * 1024;
/// Bytes of compressed bodies that are kept.
const KEPT_BYTES: u64 = 4_000_000;
const EXPECTED: usize = 1_000;

/// An answer that did not arrive whole.
#[derive(Debug)]
pub(crate) enum Incomplete {
    Timeout,
    Broken(BodyError),
}

/// The encoding that the client of a request wants.
#[derive(Debug)]
pub(crate) struct Wanted {
    encoding: Option<Encoding>,
    /// True if the client has an answer that was compressed, whose tag is weak.
    has_weak_tag: bool,
    path: PathAndQuery,
}

impl Wanted {
    /// Returns what `request` wants; `None` if its answer is never compressed.
    pub fn by<B>(request: &Request<B>) -> Option<Self> {
        if *request.method() != Method::GET {
            return None;
        }
        let mut tags = request.headers().get_all(header::IF_NONE_MATCH).iter();
        Some(Self {
            encoding: Accepted::of(request.headers()).best(),
            has_weak_tag: tags.any(|tag| tag.as_bytes().windows(2).any(|two| two == b"W/")),
            path: request.uri().path_and_query()?.clone(),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    encoding: Encoding,
    path: PathAndQuery,
    tag: HeaderValue,
}

#[derive(Debug, Clone, Copy)]
struct ByBytes;

impl Weighter<Key, Bytes> for ByBytes {
    fn weight(&self, key: &Key, body: &Bytes) -> u64 {
        u64::try_from(key.path.as_str().len() + body.len() + 200).unwrap_or(u64::MAX)
    }
}

/// Compressed answers, by the tag of the whole ones.
#[derive(Debug)]
pub(crate) struct Compression(Cache<Key, Bytes, ByBytes>);

impl Default for Compression {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, KEPT_BYTES, ByBytes))
    }
}

impl Compression {
    /// Returns `response` as its client wants it. `limit` is the time limit of a body that is compressed.
    ///
    /// Errors: the body did not arrive whole.
    pub async fn apply(
        &self,
        wanted: Wanted,
        mut response: GatewayResponse,
        limit: Option<Duration>,
    ) -> Result<GatewayResponse, Incomplete> {
        let is_known = response.status() == StatusCode::NOT_MODIFIED;
        let is_whole = response.status() == StatusCode::OK && is_json(response.headers());
        if !(is_known || is_whole) || !is_public(response.headers()) {
            return Ok(response);
        }
        // A cache between keeps one answer for each encoding.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        let Some(encoding) = wanted.encoding else { return Ok(response) };
        if is_known {
            if wanted.has_weak_tag {
                weaken_tag(response.headers_mut());
            }
            return Ok(response);
        }
        let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
        if !size.is_some_and(|size| (WORTH..=LARGEST).contains(&size)) {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let key = parts.headers.get(header::ETAG).map(|tag| Key { encoding, path: wanted.path, tag: tag.clone() });
        let body = whole(body, limit).await?;
        let body = if let Some(kept) = key.as_ref().and_then(|key| self.0.get(key)) {
            kept
        } else {
            let made = compressed(encoding, body).await?;
            if let Some(key) = key {
                self.0.insert(key, made.clone());
            }
            made
        };
        parts.headers.insert(header::CONTENT_ENCODING, encoding.name());
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        weaken_tag(&mut parts.headers);
        Ok(GatewayResponse::from_parts(parts, ResponseBody::Own(Body::from(body))))
    }
}

/// Receives a whole body, also one whose compressed form is kept: a connection whose answer was not read is closed.
async fn whole(body: ResponseBody, limit: Option<Duration>) -> Result<Bytes, Incomplete> {
    let receiving = body.collect();
    let received = match limit {
        Some(limit) => tokio::time::timeout(limit, receiving).await.map_err(|_| Incomplete::Timeout)?,
        None => receiving.await,
    };
    received.map(http_body_util::Collected::to_bytes).map_err(Incomplete::Broken)
}

async fn compressed(encoding: Encoding, body: Bytes) -> Result<Bytes, Incomplete> {
    if body.len() <= LONG {
        return Ok(encoding.compress(&body).into());
    }
    let compressing = tokio::task::spawn_blocking(move || encoding.compress(&body));
    compressing.await.map(Bytes::from).map_err(|error| Incomplete::Broken(error.into()))
}

/// True if caches may keep the answer for everybody, and may transform it (RFC 9111).
fn is_public(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let has = |name: &str| directives.iter().any(|directive| directive.eq_ignore_ascii_case(name));
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING) && !headers.contains_key(header::SET_COOKIE);
    is_plain && has("public") && !has("no-store") && !has("no-transform")
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// Marks the tag of an answer whose bytes are not those of the service.
fn weaken_tag(headers: &mut HeaderMap) {
    let tag = headers.get(header::ETAG).map(HeaderValue::as_bytes).filter(|tag| !tag.starts_with(b"W/"));
    // A valid value stays valid behind `W/`.
    if let Some(Ok(weak)) = tag.map(|tag| HeaderValue::from_bytes(&[b"W/", tag].concat())) {
        headers.insert(header::ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_everybody_is_compressed() {
        let is_public = |pairs: &[(http::HeaderName, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            is_public(&pairs.collect())
        };
        let public = (header::CACHE_CONTROL, "public, max-age=1, stale-if-error=300");
        assert!(is_public(std::slice::from_ref(&public)));
        assert!(!is_public(&[]));
        assert!(!is_public(&[(header::CACHE_CONTROL, "no-store")]));
        assert!(!is_public(&[(header::CACHE_CONTROL, "private, max-age=60")]));
        assert!(!is_public(&[(header::CACHE_CONTROL, "public, no-transform")]));
        assert!(!is_public(&[public.clone(), (header::SET_COOKIE, "token=1")]));
        assert!(!is_public(&[public, (header::CONTENT_ENCODING, "gzip")]));
    }
}
