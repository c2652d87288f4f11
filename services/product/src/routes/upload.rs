//! Request bodies that are files.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::error::ProductError;

/// Returns the media type of the body without parameters; empty when the header is missing.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.unwrap_or("").split(';').next().unwrap_or("").trim()
}

/// Reads the whole body. Errors: it is larger than `limit` bytes, or the connection broke.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, ProductError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(ProductError::FileTooLarge(limit)),
        Err(_) => Err(ProductError::BrokenOff),
    }
}
