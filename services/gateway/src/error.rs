//! Why the gateway itself refuses a request: status and stable code, in one `match`.

use std::time::Duration;

use http::StatusCode;
use souk_kit::{Problem, auth::Refused};

/// A request that got no answer of a service.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    PathInvalid(&'static str),
    #[error("{0}")]
    RequestInvalid(&'static str),
    #[error("the method is not taken")]
    MethodNotAllowed,
    #[error("the address is too long")]
    UriTooLong,
    #[error("there is no such route")]
    NoRoute,
    #[error("a token is missing")]
    TokenMissing,
    #[error(transparent)]
    Token(#[from] Refused),
    #[error("services do not come through here")]
    NotForServices,
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(u64),
    #[error("the body broke off")]
    BodyBroken,
    #[error("the client sends too slowly")]
    ClientTooSlow,
    #[error("no instance of {0} is known")]
    NoInstance(String),
    #[error("the circuit breaker of {service} denies calls")]
    CircuitOpen {
        /// Which service.
        service: String,
        /// When it will let calls pass again.
        retry_after: Duration,
    },
    #[error("{service} cannot be reached: {cause}")]
    BadGateway {
        /// Which service.
        service: String,
        /// For the log.
        cause: String,
    },
    #[error("{service} did not answer in time")]
    Timeout {
        /// Which service.
        service: String,
    },
}

impl Refusal {
    /// Whether the service that was asked is at fault.
    pub fn blames_service(&self) -> bool {
        matches!(self, Self::BadGateway { .. } | Self::Timeout { .. })
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let away = |service: &str, what: &str| format!("{service} {what}. Please try again in a moment.");
        let (status, code, detail) = match refusal {
            Refusal::PathInvalid(what) => (StatusCode::BAD_REQUEST, "path.invalid", what.to_owned()),
            Refusal::RequestInvalid(what) => (StatusCode::BAD_REQUEST, "gateway.request_invalid", what.to_owned()),
            Refusal::MethodNotAllowed => {
                let detail = "This method is not taken here.";
                (StatusCode::METHOD_NOT_ALLOWED, "gateway.method_not_allowed", detail.to_owned())
            }
            Refusal::UriTooLong => {
                let detail = "Path and query are longer than is taken here.";
                (StatusCode::URI_TOO_LONG, "gateway.uri_too_long", detail.to_owned())
            }
            Refusal::NoRoute => {
                (StatusCode::NOT_FOUND, "gateway.route_not_found", "There is nothing at this address.".to_owned())
            }
            Refusal::TokenMissing => {
                let detail = "Sign in, and send the token as 'Authorization: Bearer …'.";
                (StatusCode::UNAUTHORIZED, "auth.token_missing", detail.to_owned())
            }
            Refusal::Token(refused) => return refused.into(),
            Refusal::NotForServices => {
                (StatusCode::FORBIDDEN, "auth.forbidden", "This is for people, not for services.".to_owned())
            }
            Refusal::BodyTooLarge(limit) => {
                let detail = format!("The body may have at most {limit} bytes here.");
                (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", detail)
            }
            Refusal::BodyBroken => {
                let detail = "The body broke off before its end.";
                (StatusCode::BAD_REQUEST, "gateway.request_invalid", detail.to_owned())
            }
            Refusal::ClientTooSlow => {
                let detail = "The body did not arrive in time.";
                (StatusCode::REQUEST_TIMEOUT, "gateway.request_timeout", detail.to_owned())
            }
            Refusal::NoInstance(service) => {
                let detail = away(&service, "is not running right now");
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "gateway.no_instance", detail);
                return problem.retry_after(Duration::from_secs(2));
            }
            Refusal::CircuitOpen { service, retry_after } => {
                let detail = away(&service, "cannot be reached right now");
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "gateway.circuit_open", detail);
                return problem.retry_after(retry_after);
            }
            Refusal::BadGateway { service, .. } => {
                let detail = away(&service, "cannot be reached right now");
                (StatusCode::BAD_GATEWAY, "gateway.bad_gateway", detail)
            }
            Refusal::Timeout { service } => {
                (StatusCode::GATEWAY_TIMEOUT, "gateway.timeout", away(&service, "did not answer in time"))
            }
        };
        Self::new(status, code, detail)
    }
}
