//! Request bodies: JSON or XML by their `Content-Type`, optionally compressed, and limited in size.

use std::{error::Error, io::Read};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::LengthLimitError;

use crate::negotiation::Format;

/// A body as it was received, possibly compressed.
#[derive(Debug)]
pub(crate) struct EncodedBody {
    format: Format,
    is_gzip: bool,
    bytes: Bytes,
    limit: usize,
}

/// A body in plain text.
#[derive(Debug)]
pub(crate) struct RequestBody {
    pub format: Format,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// Larger than `limit` bytes, as received or uncompressed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body is not valid gzip, although its Content-Encoding says so")]
    InvalidGzip,
    #[error("the Content-Encoding is not supported: send the body plain or as gzip")]
    UnsupportedEncoding,
    #[error("the Content-Type is missing or not supported: send application/json or application/xml")]
    UnsupportedType,
    #[error("the body was not received completely")]
    Interrupted,
}

/// Reads a body of at most `limit` bytes, also after decompression.
pub(crate) async fn read(request: Request, limit: usize) -> Result<RequestBody, RequestBodyError> {
    receive(request, limit).await?.decode()
}

/// Receives a body of at most `limit` bytes without decompressing it, so that it takes no more memory than was sent.
pub(crate) async fn receive(request: Request, limit: usize) -> Result<EncodedBody, RequestBodyError> {
    let (parts, body) = request.into_parts();
    let format = format(&parts.headers).ok_or(RequestBodyError::UnsupportedType)?;
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
    let is_gzip = match encoding {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => return Err(RequestBodyError::UnsupportedEncoding),
    };
    Ok(EncodedBody { format, is_gzip, bytes: collect(body, limit).await?, limit })
}

impl EncodedBody {
    pub fn decode(self) -> Result<RequestBody, RequestBodyError> {
        let bytes = if self.is_gzip { inflate(&self.bytes, self.limit)? } else { self.bytes };
        Ok(RequestBody { format: self.format, bytes })
    }
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, RequestBodyError> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let is_limit = error.source().is_some_and(<dyn Error>::is::<LengthLimitError>);
        if is_limit { RequestBodyError::TooLarge { limit } } else { RequestBodyError::Interrupted }
    })
}

/// Decompresses at most `limit` bytes: a few kilobytes may expand to gigabytes.
fn inflate(gzip: &[u8], limit: usize) -> Result<Bytes, RequestBodyError> {
    let mut plain = Vec::new();
    let read_limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(gzip).take(read_limit).read_to_end(&mut plain).map_err(|_| RequestBodyError::InvalidGzip)?;
    if plain.len() > limit { Err(RequestBodyError::TooLarge { limit }) } else { Ok(plain.into()) }
}

/// Returns the format by the media type of `Content-Type`.
///
/// Neither its parameters nor the content count: any website can make a browser send `text/plain;json` without a CORS
/// preflight, and could register instances that way.
fn format(headers: &HeaderMap) -> Option<Format> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().to_ascii_lowercase();
    if media_type.contains("json") {
        Some(Format::Json)
    } else if media_type.contains("xml") {
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
    fn a_small_body_that_expands_to_a_large_one_is_rejected() {
        let bomb = gzip(&vec![0; 20_000_000]);
        assert!(bomb.len() < 100_000);
        assert_eq!(inflate(&bomb, 1_000_000), Err(RequestBodyError::TooLarge { limit: 1_000_000 }));
        assert_eq!(inflate(&gzip(b"abc"), 3).unwrap(), "abc");
        assert_eq!(inflate(b"abc", 3), Err(RequestBodyError::InvalidGzip));
    }

    #[test]
    fn only_the_media_type_decides_on_the_format() {
        let read =
            |value: &'static str| format(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        assert_eq!(read("application/json"), Some(Format::Json));
        assert_eq!(read("Application/JSON; charset=utf-8"), Some(Format::Json));
        assert_eq!(read("application/vnd.netflix.eureka+json"), Some(Format::Json));
        assert_eq!(read("text/xml"), Some(Format::Xml));
        let sent_without_preflight = [
            "",
            "text/plain",
            "text/plain;json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=xml",
        ];
        assert!(sent_without_preflight.into_iter().all(|value| read(value).is_none()));
        assert_eq!(format(&HeaderMap::new()), None);
    }
}
