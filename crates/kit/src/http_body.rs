//! Response bodies of other servers, read up to a limit.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// A body that was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit, in bytes.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// The connection failed before the end.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

/// Reads the body of `response` if it has at most `limit` bytes.
pub async fn read_at_most(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
