//! The management port: metrics, health and actuator endpoints for operators.

mod breakers;
mod routing;

use axum::{Json, Router, response::Response, routing::get};
use http::HeaderMap;
use serde_json::json;
use souk_kit::{Problem, telemetry, this_machine::local_only};

use crate::{app::App, error::GatewayError, routes};

/// Refusal of a request.
const LOCAL_ONLY: &str = "The management port has no credentials, so it answers only programs of this machine, and no web \
                          page. Set gateway.management-insecure to true if its network is closed.";

/// Returns the routes; for programs of this machine alone, unless `is_open`.
pub(crate) fn router(app: App, is_open: bool) -> Router {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/info", get(async || Json(json!({"service": "gateway", "version": env!("CARGO_PKG_VERSION")}))))
        .route("/health/live", get(routes::live::handle))
        .route("/health/ready", get(routes::ready::handle))
        .route("/actuator/health", get(routes::ready::handle))
        .merge(breakers::routes())
        .merge(routing::routes())
        .fallback(async || Problem::from(GatewayError::NoRoute))
        .method_not_allowed_fallback(async || Problem::from(GatewayError::MethodNotAllowed))
        .with_state(app);
    if is_open { routes } else { local_only(routes, LOCAL_ONLY) }
}

async fn metrics(headers: HeaderMap) -> Response {
    // A process has one scrape target: this returns the series of all its services.
    telemetry::metrics_response(None, &headers)
}
