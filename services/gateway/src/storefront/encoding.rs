//! The encodings of a response that its client accepts.

use std::io::Write;

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, header};

/// Size below which compression gains nothing.
const WORTH: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    pub brotli: bool,
    pub gzip: bool,
}

impl Accepted {
    /// Reads `Accept-Encoding` (RFC 9110, 12.5.3). A quality of 0 refuses; other qualities are not compared, since each
    /// of the encodings is smaller than none.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self { brotli: false, gzip: false };
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let quality =
                parameters.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.trim().parse::<f32>().ok());
            if quality.is_none_or(|quality| quality <= 0.0) {
                continue;
            }
            match name.trim().to_ascii_lowercase().as_str() {
                "br" => accepted.brotli = true,
                "gzip" | "x-gzip" => accepted.gzip = true,
                _ => {}
            }
        }
        accepted
    }

    /// Returns a response with `text`, compressed by gzip if that is accepted.
    pub fn compress(self, text: String) -> Response<Body> {
        if !self.gzip || text.len() < WORTH {
            return Response::new(Body::from(text));
        }
        let mut response = Response::new(Body::from(gzip(text.as_bytes())));
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_encoding_is_read() {
        let accepted = |text: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))]);
            let Accepted { brotli, gzip } = Accepted::of(&headers);
            (brotli, gzip)
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), (true, true));
        assert_eq!(accepted("GZIP;q=0.5, br;q=0"), (false, true));
        assert_eq!(accepted("br;q=x"), (false, false));
        assert_eq!(accepted("identity"), (false, false));
        assert_eq!(Accepted::of(&HeaderMap::new()), Accepted { brotli: false, gzip: false });
    }
}
