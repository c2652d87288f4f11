//! Bodies of requests: JSON or XML, perhaps compressed, never larger than they may be.

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

/// A body, uncompressed.
#[derive(Debug)]
pub struct RequestBody {
    /// What its `Content-Type` says, else what it looks like.
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
    /// The sender went away.
    #[error("the body did not arrive")]
    Interrupted,
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotGzip | Self::Interrupted => StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

/// Reads a request's body of at most `limit` bytes, uncompressed.
pub async fn read(request: Request, limit: usize) -> Result<RequestBody, BodyError> {
    let (parts, body) = request.into_parts();
    let bytes = collect(body, limit).await?;
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
    let bytes = match encoding {
        None | Some("" | "identity") => bytes,
        Some("gzip" | "x-gzip") => inflate(&bytes, limit)?,
        Some(_) => return Err(BodyError::UnknownEncoding),
    };
    Ok(RequestBody { format: format(&parts.headers, &bytes), bytes })
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

fn format(headers: &HeaderMap, bytes: &[u8]) -> Format {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let looks_like_xml = || bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    if said.contains("json") {
        Format::Json
    } else if said.contains("xml") || looks_like_xml() {
        Format::Xml
    } else {
        Format::Json
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
}
