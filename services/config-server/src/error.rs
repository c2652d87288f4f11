//! What the server refuses: a status, and the body that Spring Boot gives for it.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_values::Timestamp;

use crate::{app::App, backend::BackendError, cipher::CipherError, environment::EnvironmentError};

/// Why a request was not served. No text holds a value of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigServerError {
    /// The request's name, profile, label or body is not one.
    #[error("{0}")]
    Invalid(String),
    /// There is nothing of this name, and `accept-empty` is off; or no such address.
    #[error("{0}")]
    NotFound(String),
    /// There is no such file.
    #[error("there is no such file")]
    NoSuchResource,
    /// The files cannot be had.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The files cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Encrypting or decrypting failed.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// Whoever asks did not say who it is, or not rightly.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// Whoever asks may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The event could not be published.
    #[error("the event could not be published: {0}")]
    Bus(String),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

impl ConfigServerError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Environment(EnvironmentError::MalformedKey(_) | EnvironmentError::TooMany(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::NotFound(_)
            | Self::NoSuchResource
            | Self::Backend(_)
            | Self::Environment(EnvironmentError::Backend(_))
            | Self::Cipher(CipherError::NoKey | CipherError::NoPublicKey) => StatusCode::NOT_FOUND,
            Self::Cipher(CipherError::Invalid) => StatusCode::BAD_REQUEST,
            Self::Environment(EnvironmentError::Unreadable { .. }) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Bus(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// In how many seconds a client may ask again for what cannot be had yet.
const AGAIN: HeaderValue = HeaderValue::from_static("2");
/// The headers of a refusal beside those of its body.
const OWN_HEADERS: [HeaderName; 2] = [header::WWW_AUTHENTICATE, header::RETRY_AFTER];

/// The sentence of a response whose body [`dress`] makes.
#[derive(Clone)]
struct Sentence(String);

impl ConfigServerError {
    /// Whether it may be there in a moment. A client cannot tell it from "there is none" by the status alone.
    fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Backend(BackendError::Unusable(_))
                | Self::Environment(EnvironmentError::Backend(BackendError::Unusable(_)))
        )
    }
}

impl IntoResponse for ConfigServerError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!(error = %self, "a request for configuration failed");
        }
        match self {
            Self::Cipher(error) => cipher_body(status, error),
            // As the original: a missing resource has no body.
            Self::NoSuchResource => status.into_response(),
            other => {
                let mut response = status.into_response();
                if status == StatusCode::UNAUTHORIZED {
                    let basic = HeaderValue::from_static("Basic realm=\"config-server\", charset=\"UTF-8\"");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
                }
                if other.may_pass() {
                    response.headers_mut().insert(header::RETRY_AFTER, AGAIN);
                }
                response.extensions_mut().insert(Sentence(other.to_string()));
                response
            }
        }
    }
}

fn cipher_body(status: StatusCode, error: CipherError) -> Response {
    let (code, description) = match error {
        CipherError::NoKey => ("NO_KEY", "No key was installed for encryption service"),
        CipherError::NoPublicKey => ("NOT_FOUND", "No public key available"),
        CipherError::Invalid => ("INVALID", "Text not encrypted with this key"),
    };
    (status, Json(serde_json::json!({"description": description, "status": code}))).into_response()
}

/// Spring Boot's body of an error.
#[derive(Debug, Serialize)]
struct BootError<'e> {
    timestamp: Timestamp,
    status: u16,
    error: &'e str,
    message: &'e str,
    path: &'e str,
}

/// Gives refusals their bodies, which tell the time and the path.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(Sentence(message)) = response.extensions_mut().remove() else { return response };
    let status = response.status();
    let body = BootError {
        timestamp: app.clock.now(),
        status: status.as_u16(),
        error: status.canonical_reason().unwrap_or("Error"),
        message: &message,
        path: &path,
    };
    let mut dressed = (status, Json(body)).into_response();
    for name in OWN_HEADERS {
        if let Some(value) = response.headers_mut().remove(&name) {
            dressed.headers_mut().insert(name, value);
        }
    }
    dressed
}
