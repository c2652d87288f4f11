//! The compressed encodings of a response that its client accepts.

use std::io::Write;

use axum::body::Body;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, header};

/// Size in bytes below which compression gains nothing: the head of a response has as many.
pub const WORTH: usize = 512;
/// Level of brotli at which a list of 24 products takes 0.15 ms, against 0.12 ms with fast gzip, and is a quarter smaller.
const BROTLI_LEVEL: i32 = 5;
/// Window of brotli as a power of two: few answers are larger, and a larger one takes longer to set up.
const BROTLI_WINDOW: i32 = 18;

/// An encoding in which a response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl Encoding {
    /// Value of `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> HeaderValue {
        match self {
            Self::Brotli => HeaderValue::from_static("br"),
            Self::Gzip => HeaderValue::from_static("gzip"),
        }
    }

    /// Compresses `bytes` fast rather than small.
    #[must_use]
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Brotli => brotli(bytes),
            Self::Gzip => gzip(bytes),
        }
    }
}

/// The encodings that a client accepts besides none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// True for `br`.
    pub brotli: bool,
    /// True for `gzip`.
    pub gzip: bool,
}

impl Accepted {
    /// Reads `Accept-Encoding` (RFC 9110, 12.5.3). A quality of 0 refuses; other qualities are not compared, since each
    /// of the encodings is smaller than none.
    #[must_use]
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

    /// Returns the smallest of the accepted encodings; `None` for a client that accepts none.
    #[must_use]
    pub const fn best(self) -> Option<Encoding> {
        match self {
            Self { brotli: true, .. } => Some(Encoding::Brotli),
            Self { gzip: true, .. } => Some(Encoding::Gzip),
            Self { .. } => None,
        }
    }

    /// Returns a response with `text` in the best encoding.
    #[must_use]
    pub fn compress(self, text: String) -> Response<Body> {
        let Some(encoding) = self.best().filter(|_| text.len() >= WORTH) else {
            return Response::new(Body::from(text));
        };
        let mut response = Response::new(Body::from(encoding.compress(text.as_bytes())));
        response.headers_mut().insert(header::CONTENT_ENCODING, encoding.name());
        response
    }
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_LEVEL,
        lgwin: BROTLI_WINDOW,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    // Reading from and writing to memory cannot fail.
    let written = brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters);
    written.map(|_| compressed).unwrap_or_default()
}

/// Compresses `bytes` fast rather than small.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
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

    #[test]
    fn the_smallest_accepted_encoding_is_used_where_it_is_worth_it() {
        let encoding = |brotli, gzip, text: &str| {
            let response = Accepted { brotli, gzip }.compress(text.to_owned());
            response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned())
        };
        let long = "A skillet of cast iron. ".repeat(40);
        assert_eq!(encoding(true, true, &long).as_deref(), Some("br"));
        assert_eq!(encoding(false, true, &long).as_deref(), Some("gzip"));
        assert_eq!(encoding(false, false, &long), None);
        assert_eq!(encoding(true, true, "short"), None);
    }

    #[test]
    fn what_is_compressed_reads_back() {
        let text = "A skillet of cast iron. Une poêle en fonte. ".repeat(2_000);
        let small = Encoding::Brotli.compress(text.as_bytes());
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut &small[..], &mut read).unwrap();
        assert_eq!((read.as_slice(), small.len() < text.len() / 50), (text.as_bytes(), true));
    }
}
