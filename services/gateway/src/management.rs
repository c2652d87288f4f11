//! The management port: metrics, health and actuator endpoints for operators.

use axum::{Json, Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use serde_json::{Map, Value, json};
use souk_kit::{Problem, telemetry, this_machine::local_only};
use souk_resilience::Snapshot;

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
        .route("/actuator/circuitbreakers", get(breakers))
        .fallback(async || Problem::from(GatewayError::NoRoute))
        .method_not_allowed_fallback(async || Problem::from(GatewayError::MethodNotAllowed))
        .with_state(app);
    if is_open { routes } else { local_only(routes, LOCAL_ONLY) }
}

async fn metrics(headers: HeaderMap) -> Response {
    // A process has one scrape target: this returns the series of all its services.
    telemetry::metrics_response(None, &headers)
}

async fn breakers(State(app): State<App>) -> Json<Value> {
    let breakers: Map<String, Value> =
        app.breakers.iter().map(|breaker| (breaker.name().to_owned(), actuator_view(&breaker.snapshot()))).collect();
    Json(json!({ "circuitBreakers": breakers }))
}

/// Returns a breaker in the format of Resilience4j's actuator.
fn actuator_view(snapshot: &Snapshot) -> Value {
    let percent = |rate: f64| format!("{rate:.1}%");
    json!({
        "failureRate": percent(snapshot.failure_rate),
        "failureRateThreshold": percent(snapshot.failure_rate_threshold),
        "slowCallRate": percent(snapshot.slow_call_rate),
        "slowCallRateThreshold": percent(snapshot.slow_call_rate_threshold),
        "bufferedCalls": snapshot.buffered_calls,
        "failedCalls": snapshot.failed_calls,
        "slowCalls": snapshot.slow_calls,
        "slowFailedCalls": snapshot.slow_failed_calls,
        "notPermittedCalls": snapshot.not_permitted_calls,
        "state": snapshot.state.name(),
    })
}
