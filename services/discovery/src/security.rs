//! HTTP Basic authentication of all requests except health probes.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use souk_kit::{Problem, basic_auth::CredentialDigest};

use crate::config::SecurityConfig;

/// Returns the credentials that callers must present; `None` if none are configured.
pub(crate) fn required(config: &SecurityConfig) -> Option<CredentialDigest> {
    (!config.user.is_empty()).then(|| CredentialDigest::basic(&config.user, config.password.expose()))
}

pub(crate) fn protect(routes: Router, expected: CredentialDigest) -> Router {
    routes.layer(middleware::from_fn_with_state(expected, authenticate))
}

async fn authenticate(State(expected): State<CredentialDigest>, request: Request, next: Next) -> Response {
    let is_probe = request.uri().path().starts_with("/health/");
    if is_probe || CredentialDigest::presented(request.headers()) == Some(expected) {
        return next.run(request).await;
    }
    let detail = "This registry requires a user and a password (HTTP Basic), as in http://user:password@host/eureka.";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "discovery.unauthorized", detail).into_response();
    let challenge = HeaderValue::from_static("Basic realm=\"souk discovery\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
