//! Bodies that are files.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::error::ProductError;

/// The type of the body without parameters; empty when none is said.
pub fn media_type(headers: &HeaderMap) -> &str {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.unwrap_or("").split(';').next().unwrap_or("").trim()
}

/// The whole body. Errors: it is larger than `most` bytes, or broke off.
pub async fn whole(body: Body, most: usize) -> Result<Bytes, ProductError> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(ProductError::FileTooLarge(most)),
        Err(_) => Err(ProductError::BrokenOff),
    }
}
