//! HTTP Basic before everything but the probes.

use std::sync::Arc;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use souk_kit::Problem;

use crate::config::SecurityConfig;

/// What a caller must show. Kept as a digest, so that comparing takes the same time whatever is shown.
#[derive(Clone)]
pub struct Gate(Arc<Digest>);

impl Gate {
    /// The gate of a server that has credentials; an open server has none.
    #[must_use]
    pub fn new(config: &SecurityConfig) -> Option<Self> {
        let shown = format!("{}:{}", config.user, config.password.expose());
        (!config.user.is_empty()).then(|| Self(Arc::new(digest(&SHA256, shown.as_bytes()))))
    }

    /// Lays itself over `routes`.
    pub fn guard(self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(self, admit))
    }

    fn opens(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Some((scheme, encoded)) = given.split_once(' ') else { return false };
        let shown = STANDARD.decode(encoded.trim()).unwrap_or_default();
        let is_right = verify_slices_are_equal(self.0.as_ref().as_ref(), digest(&SHA256, &shown).as_ref()).is_ok();
        scheme.eq_ignore_ascii_case("basic") && is_right
    }
}

async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/health/") || gate.opens(request.headers()) {
        return next.run(request).await;
    }
    let detail = "This registry asks for a user and a password (HTTP Basic), such as http://user:password@host/eureka.";
    let mut refusal = Problem::new(StatusCode::UNAUTHORIZED, "discovery.unauthorized", detail).into_response();
    let challenge = HeaderValue::from_static("Basic realm=\"souk discovery\", charset=\"UTF-8\"");
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    refusal
}
