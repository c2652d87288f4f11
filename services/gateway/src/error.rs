//! The gateway's own error responses: status and stable code, in one `match`.

use std::time::Duration;

use http::StatusCode;
use souk_kit::{Problem, auth::Refused};

/// The reason why a request got no response from a service. The texts are details for the client, except those that
/// name a service, which are for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum GatewayError {
    #[error("{0}")]
    PathInvalid(&'static str),
    #[error("{0}")]
    RequestInvalid(&'static str),
    #[error("This address does not support the request's method.")]
    MethodNotAllowed,
    #[error("Path and query are longer than this gateway allows.")]
    UriTooLong,
    #[error("The request line and headers are larger than this gateway allows.")]
    HeadersTooLarge,
    #[error("There is nothing at this address.")]
    NoRoute,
    #[error("Sign in, and send the access token as 'Authorization: Bearer …'.")]
    TokenMissing,
    #[error(transparent)]
    Token(#[from] Refused),
    #[error("Service tokens are not accepted here: sign in as a user.")]
    NotForServices,
    #[error("There are too many requests from your address or account. Please try again in a moment.")]
    RateLimited {
        /// Time until the next request is allowed.
        retry_after: Duration,
    },
    #[error("The body must not be larger than {0} bytes here.")]
    BodyTooLarge(u64),
    #[error("The body ended before it was complete.")]
    BodyIncomplete,
    #[error("The body was not received in time.")]
    ClientTooSlow,
    #[error("no instance of {0} is known")]
    NoInstance(String),
    #[error("the circuit breaker of {service} denies calls")]
    CircuitOpen {
        service: String,
        /// Time until the breaker permits calls again.
        retry_after: Duration,
    },
    #[error("{service} cannot be reached: {cause}")]
    BadGateway { service: String, cause: String },
    #[error("{service} did not respond in time")]
    Timeout { service: String },
    /// For a fallback alone: without one, the response is passed on.
    #[error("{service} responded with {status}")]
    UnwantedStatus { service: String, status: StatusCode },
}

impl GatewayError {
    /// Returns true if the failure counts against the upstream's breaker.
    pub fn is_upstream_failure(&self) -> bool {
        matches!(self, Self::BadGateway { .. } | Self::Timeout { .. } | Self::UnwantedStatus { .. })
    }

    /// Returns true if the target did not do its part, so that a fallback may answer instead.
    pub fn is_of_target(&self) -> bool {
        self.is_upstream_failure() || matches!(self, Self::NoInstance(_) | Self::CircuitOpen { .. })
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        let text = error.to_string();
        let retry_later = |service: &str, reason: &str| format!("{service} {reason}. Please try again in a moment.");
        let unreachable = "cannot be reached right now";
        let mut retry_after = None;
        let (status, code, detail) = match error {
            GatewayError::PathInvalid(_) => (StatusCode::BAD_REQUEST, "path.invalid", text),
            GatewayError::RequestInvalid(_) | GatewayError::BodyIncomplete => {
                (StatusCode::BAD_REQUEST, "gateway.request_invalid", text)
            }
            GatewayError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "gateway.method_not_allowed", text),
            GatewayError::UriTooLong => (StatusCode::URI_TOO_LONG, "gateway.uri_too_long", text),
            GatewayError::HeadersTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "gateway.headers_too_large", text)
            }
            GatewayError::NoRoute => (StatusCode::NOT_FOUND, "gateway.route_not_found", text),
            GatewayError::TokenMissing => (StatusCode::UNAUTHORIZED, "auth.token_missing", text),
            GatewayError::Token(refused) => return refused.into(),
            GatewayError::NotForServices => (StatusCode::FORBIDDEN, "auth.forbidden", text),
            GatewayError::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", text),
            GatewayError::ClientTooSlow => (StatusCode::REQUEST_TIMEOUT, "gateway.request_timeout", text),
            GatewayError::RateLimited { retry_after: after } => {
                retry_after = Some(after);
                (StatusCode::TOO_MANY_REQUESTS, "gateway.too_many_requests", text)
            }
            GatewayError::NoInstance(service) => {
                retry_after = Some(Duration::from_secs(2));
                let detail = retry_later(&service, "is not running right now");
                (StatusCode::SERVICE_UNAVAILABLE, "gateway.no_instance", detail)
            }
            GatewayError::CircuitOpen { service, retry_after: after } => {
                retry_after = Some(after);
                (StatusCode::SERVICE_UNAVAILABLE, "gateway.circuit_open", retry_later(&service, unreachable))
            }
            GatewayError::BadGateway { service, .. } | GatewayError::UnwantedStatus { service, .. } => {
                (StatusCode::BAD_GATEWAY, "gateway.bad_gateway", retry_later(&service, unreachable))
            }
            GatewayError::Timeout { service } => {
                (StatusCode::GATEWAY_TIMEOUT, "gateway.timeout", retry_later(&service, "did not respond in time"))
            }
        };
        let problem = Self::new(status, code, detail);
        if let Some(after) = retry_after { problem.retry_after(after) } else { problem }
    }
}
