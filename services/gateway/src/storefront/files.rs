//! The files of the web shop, sent as they are stored; other encodings are made when they are first needed.

use std::{collections::HashMap, sync::OnceLock};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sha2::{Digest, Sha256};
use souk_kit::encoding::{Accepted, gzip};

use super::archive::Members;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// Members of the archive that are not files of the web shop.
const NOT_PUBLIC: [&str; 1] = ["sources.sha256"];

pub(super) struct StoredFiles(HashMap<String, StoredFile>);

pub(super) struct StoredFile {
    stored: &'static [u8],
    is_brotli: bool,
    content_type: &'static str,
    /// True if the name contains a hash of the content.
    is_immutable: bool,
    /// Hash of the stored bytes, in hexadecimal.
    hash: OnceLock<String>,
    plain: OnceLock<Bytes>,
    gzipped: OnceLock<Bytes>,
}

impl StoredFiles {
    pub fn new(members: Members) -> Self {
        let public = members.0.into_iter().filter(|(name, _)| !NOT_PUBLIC.contains(&name.as_str()));
        let files = public.map(|(stored_as, stored)| {
            let (name, is_brotli) = match stored_as.strip_suffix(".br") {
                Some(name) => (name.to_owned(), true),
                None => (stored_as, false),
            };
            let (content_type, is_immutable) = (content_type(&name), has_hash(&name));
            let (hash, plain, gzipped) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
            (name, StoredFile { stored, is_brotli, content_type, is_immutable, hash, plain, gzipped })
        });
        Self(files.collect())
    }

    pub fn get(&self, name: &str) -> Option<&StoredFile> {
        self.0.get(name)
    }
}

impl StoredFile {
    /// Returns the content, uncompressed.
    pub fn plain(&self) -> Bytes {
        if !self.is_brotli {
            return Bytes::from_static(self.stored);
        }
        let decompress = || {
            let mut plain = Vec::new();
            // The archive is a part of the binary, and a test reads each of its files.
            if let Err(error) = brotli::BrotliDecompress(&mut &*self.stored, &mut plain) {
                tracing::error!(service = "gateway", error = %error, "a file of the web shop cannot be decompressed");
            }
            Bytes::from(plain)
        };
        self.plain.get_or_init(decompress).clone()
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| hex::encode(Sha256::digest(self.stored).get(..12).unwrap_or_default()))
    }

    pub fn response(&self, accepted: Accepted, request: &HeaderMap) -> Response<Body> {
        let (encoding, suffix) = match (self.is_brotli, accepted) {
            (true, Accepted { brotli: true, .. }) => (Some("br"), "-br"),
            (true, Accepted { gzip: true, .. }) => (Some("gzip"), "-gz"),
            _ => (None, ""),
        };
        let tag = format!("\"{}{suffix}\"", self.hash());
        let is_known = knows(request, &tag);
        let mut response = Response::new(match (is_known, encoding) {
            (true, _) => Body::empty(),
            (false, Some("br")) => Body::from(self.stored),
            (false, Some(_)) => Body::from(self.gzipped.get_or_init(|| gzip(&self.plain()).into()).clone()),
            (false, None) => Body::from(self.plain()),
        });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, if self.is_immutable { FOR_EVER } else { REVALIDATED });
        // Hexadecimal digits are valid in a header.
        headers.extend(HeaderValue::try_from(tag).map(|tag| (header::ETAG, tag)));
        if self.is_brotli {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if !is_known {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            headers.extend(encoding.map(|encoding| (header::CONTENT_ENCODING, HeaderValue::from_static(encoding))));
        }
        response
    }
}

/// True if the client has the content with this tag (RFC 9110, 13.1.2: compared weakly).
fn knows(request: &HeaderMap, tag: &str) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|known| known.trim_start_matches("W/") == tag)
}

/// True if `name` ends with a hash and an extension, such as `chunk-IVNVXCEI.js`.
fn has_hash(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_recognized() {
        assert!(has_hash("chunk-IVNVXCEI.js"));
        assert!(has_hash("media/instrument-sans-latin-wght-normal-VYC4K7BH.woff2"));
        for name in ["sw.js", "favicon.svg", "icons/icon-192.png", "a-abcdefgh.js", "manifest.webmanifest"] {
            assert!(!has_hash(name), "{name}");
        }
    }
}
