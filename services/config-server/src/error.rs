//! The errors of the service, their statuses, and their bodies in Spring Boot's format.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_values::{Clock, Timestamp};

use crate::{backend::BackendError, cipher::CipherError, environment::EnvironmentError};

/// A reason why a request is refused or fails. No text contains a value of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigServerError {
    /// An application, profile, label or body is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The path is outside of the protocol, or the application has no properties and `accept-empty` is off.
    #[error("{0}")]
    NotFound(String),
    /// No location has the file of a resource request.
    #[error("there is no such file")]
    NoSuchResource,
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The files cannot be read or written as requested.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Cipher(#[from] CipherError),
    #[error("{0}")]
    Unauthorized(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    /// The bus did not take a refresh event.
    #[error("the event could not be published: {0}")]
    Bus(String),
    #[error("{0}")]
    Internal(String),
}

impl ConfigServerError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_)
            | Self::Environment(EnvironmentError::MalformedKey(_) | EnvironmentError::TooManyFiles { .. }) => {
                StatusCode::BAD_REQUEST
            }
            Self::NotFound(_)
            | Self::NoSuchResource
            | Self::Backend(_)
            | Self::Environment(EnvironmentError::Backend(_))
            | Self::Cipher(CipherError::NoKey | CipherError::NoPublicKey) => StatusCode::NOT_FOUND,
            Self::Cipher(CipherError::Invalid) => StatusCode::BAD_REQUEST,
            Self::Environment(EnvironmentError::Unreadable { .. } | EnvironmentError::Unwritable(_))
            | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Bus(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// `Retry-After` in seconds, for a repository that cannot be used yet.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
/// Headers of a refusal that survive when its body is added.
const KEPT_HEADERS: [HeaderName; 2] = [header::WWW_AUTHENTICATE, header::RETRY_AFTER];

/// The message of a response whose body [`add_body`] writes.
#[derive(Clone)]
struct Message(String);

impl IntoResponse for ConfigServerError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!(error = %self, "a request for configuration failed");
        }
        match self {
            Self::Cipher(error) => cipher_body(status, error),
            // Spring sends no body for a missing resource.
            Self::NoSuchResource => status.into_response(),
            other => {
                let mut response = status.into_response();
                if status == StatusCode::UNAUTHORIZED {
                    let basic = HeaderValue::from_static("Basic realm=\"config-server\", charset=\"UTF-8\"");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
                }
                // The status, 404 for a missing label too, does not show that a retry may succeed.
                if let Self::Backend(BackendError::Unusable(_))
                | Self::Environment(EnvironmentError::Backend(BackendError::Unusable(_))) = &other
                {
                    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
                }
                response.extensions_mut().insert(Message(other.to_string()));
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

/// The body of an error in Spring Boot's format.
#[derive(Debug, Serialize)]
struct BootError<'e> {
    timestamp: Timestamp,
    status: u16,
    error: &'e str,
    message: &'e str,
    path: &'e str,
}

/// Adds the bodies of refusals, which contain the time and the path.
pub(crate) fn with_bodies(routes: Router, clock: Arc<dyn Clock>) -> Router {
    routes.layer(middleware::from_fn_with_state(clock, add_body))
}

async fn add_body(State(clock): State<Arc<dyn Clock>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(Message(message)) = response.extensions_mut().remove() else { return response };
    let status = response.status();
    let body = BootError {
        timestamp: clock.now(),
        status: status.as_u16(),
        error: status.canonical_reason().unwrap_or("Error"),
        message: &message,
        path: &path,
    };
    let mut complete = (status, Json(body)).into_response();
    for name in KEPT_HEADERS {
        if let Some(value) = response.headers_mut().remove(&name) {
            complete.headers_mut().insert(name, value);
        }
    }
    complete
}
