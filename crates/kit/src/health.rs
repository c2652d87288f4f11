//! Routes that every service has: `/health/live`, `/health/ready`, `/info`, `/metrics`, `/openapi.json`, `/docs`, and its
//! breakers and dead letters.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures::future::join_all;
use serde::Serialize;
use souk_bus::{BusError, Transport};
use souk_resilience::Breaker;

use crate::{
    Peers, breakers, dead_letters, metrics,
    parts::Check,
    tasks::{self, Task},
    telemetry,
};

/// Time limit of one readiness check, shorter than the timeout of common probes.
const CHECK_LIMIT: Duration = Duration::from_millis(1_500);
/// Period of the gauge `dead_letters`.
const DEAD_LETTERS_PERIOD: Duration = Duration::from_secs(15);

/// State of the frame's routes.
#[derive(Clone)]
pub(crate) struct Frame {
    pub service: &'static str,
    pub checks: Arc<Vec<(&'static str, Check)>>,
    pub transport: Arc<dyn Transport>,
    /// Their breakers guard the calls of the service to its peers.
    pub peers: Peers,
    /// Breakers of its other calls.
    pub breakers: Arc<[Arc<Breaker>]>,
    pub has_bus: bool,
    /// OpenAPI document as JSON, which takes a third of the memory of its tree.
    pub openapi: Bytes,
    /// Public facts at `/info`, beside name and version.
    pub facts: Arc<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    checks: Vec<CheckResult>,
}

#[derive(Debug, Serialize)]
struct CheckResult {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) fn routes(frame: Frame) -> Router {
    let docs = utoipa_swagger_ui::SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json"));
    let mut routes = probe_routes().route("/openapi.json", get(openapi));
    if frame.has_bus {
        routes = routes
            .merge(breakers::table(frame.service).into_router())
            .merge(dead_letters::table(frame.service).into_router());
    }
    routes.with_state(frame).merge(Router::from(docs))
}

/// Routes that answer while the service itself is still starting.
pub(crate) fn probe_routes() -> Router<Frame> {
    Router::new()
        .route("/health/live", get(|| async { Json(serde_json::json!({"status": "UP"})) }))
        .route("/health/ready", get(ready))
        .route("/info", get(info))
        .route("/metrics", get(metrics))
}

/// Runs `check` within its time limit.
async fn in_time(check: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    // Real time: probes have real timeouts.
    let timed_out = || format!("no answer within {} ms", CHECK_LIMIT.as_millis());
    tokio::time::timeout(CHECK_LIMIT, check).await.unwrap_or_else(|_| Err(timed_out()))
}

async fn ready(State(frame): State<Frame>) -> Response {
    let bus = async {
        let ping = async { frame.transport.ping().await.map_err(|error| error.to_string()) };
        if frame.has_bus { Some(("bus", in_time(ping).await)) } else { None }
    };
    let own = join_all(frame.checks.iter().map(|(name, check)| async move { (*name, in_time(check()).await) }));
    let (bus, own) = tokio::join!(bus, own);
    let checks: Vec<CheckResult> = bus
        .into_iter()
        .chain(own)
        .map(|(name, result)| CheckResult {
            name,
            status: if result.is_ok() { "UP" } else { "DOWN" },
            error: result.err(),
        })
        .collect();
    let is_up = checks.iter().all(|check| check.error.is_none());
    let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: if is_up { "UP" } else { "DOWN" }, checks })).into_response()
}

async fn info(State(frame): State<Frame>) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let mut info = serde_json::json!({"service": frame.service, "version": version});
    if !frame.facts.is_empty()
        && let Some(fields) = info.as_object_mut()
    {
        fields.insert("facts".to_owned(), serde_json::Value::Object((*frame.facts).clone()));
    }
    Json(info).into_response()
}

async fn metrics(State(frame): State<Frame>, headers: HeaderMap) -> Response {
    telemetry::metrics_response(Some(frame.service), &headers)
}

async fn openapi(State(frame): State<Frame>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], frame.openapi).into_response()
}

/// Publishes the gauge `dead_letters` of each of the service's queues.
pub(crate) fn count_dead_letters(
    service: &'static str,
    queues: Vec<&'static str>,
    transport: Arc<dyn Transport>,
) -> Task {
    let state = (Arc::new(queues), transport);
    Task::every("count_dead_letters", &tasks::real_time(), DEAD_LETTERS_PERIOD, &state, move |state| async move {
        let (queues, transport) = state;
        let counts = transport.dead_letter_counts(&queues).await?;
        for (queue, dead) in queues.iter().zip(counts) {
            metrics::dead_letters(service, queue, dead);
        }
        Ok::<(), BusError>(())
    })
}
