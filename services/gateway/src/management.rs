//! The management port: metrics and actuator, for operators and not for customers.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use souk_kit::{Problem, telemetry};
use souk_resilience::Snapshot;

use crate::{app::App, error::Refusal};

/// Its routes.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/info", get(info))
        .route("/health/live", get(async || Json(json!({"status": "UP"}))))
        .route("/health/ready", get(health))
        .route("/actuator/health", get(health))
        .route("/actuator/circuitbreakers", get(breakers))
        .fallback(async || Problem::from(Refusal::NoRoute))
        .method_not_allowed_fallback(async || Problem::from(Refusal::MethodNotAllowed))
        .with_state(app)
}

/// The process has one scrape target, with the series of all its services.
async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::render_metrics(None))
        .into_response()
}

async fn info() -> Json<Value> {
    Json(json!({"service": "gateway", "version": env!("CARGO_PKG_VERSION")}))
}

async fn health(State(App(known)): State<App>) -> (StatusCode, Json<Value>) {
    if known.stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "DOWN"})))
    } else {
        (StatusCode::OK, Json(json!({"status": "UP"})))
    }
}

async fn breakers(State(App(known)): State<App>) -> Json<Value> {
    let breakers: Map<String, Value> =
        known.breakers.iter().map(|breaker| (breaker.name().to_owned(), view(&breaker.snapshot()))).collect();
    Json(json!({ "circuitBreakers": breakers }))
}

fn view(shown: &Snapshot) -> Value {
    let percent = |rate: f64| format!("{rate:.1}%");
    json!({
        "failureRate": percent(shown.failure_rate),
        "failureRateThreshold": percent(shown.failure_rate_threshold),
        "slowCallRate": percent(shown.slow_call_rate),
        "slowCallRateThreshold": percent(shown.slow_call_rate_threshold),
        "bufferedCalls": shown.buffered_calls,
        "failedCalls": shown.failed_calls,
        "slowCalls": shown.slow_calls,
        "slowFailedCalls": shown.slow_failed_calls,
        "notPermittedCalls": shown.not_permitted_calls,
        "state": shown.state.name(),
    })
}
