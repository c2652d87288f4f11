//! Bodies of requests: JSON or XML and said to be so, perhaps compressed, never larger than they may be.

use std::{error::Error, io::Read};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::LengthLimitError;

use crate::negotiation::Format;

/// A body as it came.
#[derive(Debug)]
pub struct Received {
    format: Format,
    is_gzip: bool,
    bytes: Bytes,
    limit: usize,
}

/// A body, uncompressed.
#[derive(Debug)]
pub struct RequestBody {
    /// What its `Content-Type` says.
    pub format: Format,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than `limit` bytes, as it came or uncompressed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// It says that it is gzip, and is not.
    #[error("the body is not the gzip that it says it is")]
    NotGzip,
    /// It is compressed otherwise.
    #[error("the body is compressed in a way that is not known here: send it plain or as gzip")]
    UnknownEncoding,
    /// It does not say that it is JSON or XML.
    #[error("the body must say what it is: Content-Type: application/json, or application/xml")]
    UnknownType,
    /// The sender went away.
    #[error("the body did not arrive")]
    Interrupted,
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownEncoding | Self::UnknownType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotGzip | Self::Interrupted => StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

/// Reads a request's body of at most `limit` bytes, uncompressed.
pub async fn read(request: Request, limit: usize) -> Result<RequestBody, BodyError> {
    receive(request, limit).await?.open()
}

/// Waits for a request's body of at most `limit` bytes, which is not uncompressed yet: it costs what was sent.
pub async fn receive(request: Request, limit: usize) -> Result<Received, BodyError> {
    let (parts, body) = request.into_parts();
    let format = format(&parts.headers).ok_or(BodyError::UnknownType)?;
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
    let is_gzip = match encoding {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => return Err(BodyError::UnknownEncoding),
    };
    Ok(Received { format, is_gzip, bytes: collect(body, limit).await?, limit })
}

impl Received {
    /// Uncompresses it.
    pub fn open(self) -> Result<RequestBody, BodyError> {
        let bytes = if self.is_gzip { inflate(&self.bytes, self.limit)? } else { self.bytes };
        Ok(RequestBody { format: self.format, bytes })
    }
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let is_limit = error.source().is_some_and(<dyn Error>::is::<LengthLimitError>);
        if is_limit { BodyError::TooLarge { limit } } else { BodyError::Interrupted }
    })
}

/// Uncompresses at most `limit` bytes: a few kilobytes may stand for gigabytes.
pub fn inflate(gzip: &[u8], limit: usize) -> Result<Bytes, BodyError> {
    let mut plain = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(gzip).take(most).read_to_end(&mut plain).map_err(|_| BodyError::NotGzip)?;
    if plain.len() > limit { Err(BodyError::TooLarge { limit }) } else { Ok(plain.into()) }
}

/// What `Content-Type` says. Its parameters do not count, nor what the body looks like: a page of another origin may send
/// `text/plain;json` without asking the browser's leave, and would register what it likes.
fn format(headers: &HeaderMap) -> Option<Format> {
    let said = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let said = said.split(';').next().unwrap_or_default().to_ascii_lowercase();
    if said.contains("json") {
        Some(Format::Json)
    } else if said.contains("xml") {
        Some(Format::Xml)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_small_body_that_stands_for_a_large_one_is_refused() {
        let bomb = gzip(&vec![0; 20_000_000]);
        assert!(bomb.len() < 100_000);
        assert_eq!(inflate(&bomb, 1_000_000), Err(BodyError::TooLarge { limit: 1_000_000 }));
        assert_eq!(inflate(&gzip(b"abc"), 3).unwrap(), "abc");
        assert_eq!(inflate(b"abc", 3), Err(BodyError::NotGzip));
    }
    #[test]
    fn only_what_says_so_is_json_or_xml() {
        let read = |said: &'static str| format(&HeaderMap::from_iter([(header::CONTENT_TYPE, said.parse().unwrap())]));
        assert_eq!(read("application/json"), Some(Format::Json));
        assert_eq!(read("Application/JSON; charset=utf-8"), Some(Format::Json));
        assert_eq!(read("application/vnd.netflix.eureka+json"), Some(Format::Json));
        assert_eq!(read("text/xml"), Some(Format::Xml));
        let sent_by_any_page = [
            "",
            "text/plain",
            "text/plain;json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=xml",
        ];
        assert!(sent_by_any_page.into_iter().all(|said| read(said).is_none()));
        assert_eq!(format(&HeaderMap::new()), None);
    }
}
