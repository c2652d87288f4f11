//! Errors of requests and their statuses. Most bodies are plain text, as the protocol's clients know them.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_eureka::{Malformed, UnknownStatus};
use souk_kit::Problem;

use crate::{admission::Rejected, registry::RegistryFull, request_body::RequestBodyError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error(transparent)]
    Full(#[from] RegistryFull),
    #[error(transparent)]
    Body(#[from] RequestBodyError),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("lastDirtyTimestamp must be an integer: milliseconds since 1970-01-01 UTC")]
    InvalidTimestamp,
    #[error(transparent)]
    UnknownStatus(#[from] UnknownStatus),
    #[error("the query parameter `value` is missing, as in ?value=OUT_OF_SERVICE")]
    StatusMissing,
    #[error("deltas are disabled on this server: fetch /eureka/apps instead")]
    DeltaDisabled,
    #[error("auto scaling groups are not supported: this registry does not run on Amazon")]
    NoScalingGroups,
    /// The sentence names what does not exist.
    #[error("{0}")]
    NotFound(String),
}

impl IntoResponse for DiscoveryError {
    fn into_response(self) -> Response {
        let text = self.to_string();
        let status = match self {
            Self::NotFound(_) => {
                return Problem::new(StatusCode::NOT_FOUND, "discovery.not_found", text).into_response();
            }
            Self::Rejected(_) | Self::Malformed(_) | Self::InvalidTimestamp | Self::NoScalingGroups => {
                StatusCode::BAD_REQUEST
            }
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::DeltaDisabled => StatusCode::FORBIDDEN,
            // The original's status for these, which its clients expect.
            Self::UnknownStatus(_) | Self::StatusMissing => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Body(error) => match error {
                RequestBodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                RequestBodyError::UnsupportedEncoding | RequestBodyError::UnsupportedType => {
                    StatusCode::UNSUPPORTED_MEDIA_TYPE
                }
                RequestBodyError::InvalidGzip | RequestBodyError::Interrupted => StatusCode::BAD_REQUEST,
            },
        };
        (status, text).into_response()
    }
}
