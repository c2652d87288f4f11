//! What every request goes through: trace context in and on, a duration series, a log line for failures.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use souk_values::IdGen;

/// Who serves, and where ids come from.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub service: &'static str,
    pub ids: Arc<IdGen>,
}

/// Continues the caller's trace, or begins one; counts the request under its matched route.
pub(crate) async fn observe(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    // A span of real time: what a caller waits is not moved by a test's clock.
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let traceparent = continue_trace(request.headers(), &observer.ids);
    let trace_id = traceparent.get(3..35).unwrap_or_default().to_owned();
    let response = souk_bus::trace::within(Some(traceparent), next.run(request)).await;
    let status = response.status();
    let elapsed = started.elapsed();
    metrics::histogram!("http_server_request_duration_seconds",
        "service" => observer.service,
        "http_request_method" => method_label(&method),
        "http_route" => route.clone(),
        "http_response_status_code" => status.as_str().to_owned())
    .record(elapsed.as_secs_f64());
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    // A probe that is told what is missing has not failed; what is missing is logged where it is missed.
    if status.is_server_error() && route != "/health/ready" {
        tracing::warn!(service = observer.service, http.method = %method, http.route = route,
            http.status = status.as_u16(), duration_ms, trace.id = trace_id, "a request failed");
    } else {
        tracing::debug!(service = observer.service, http.method = %method, http.route = route,
            http.status = status.as_u16(), duration_ms, trace.id = trace_id, "served");
    }
    response
}

/// The method as a label: a closed set, so that nobody makes series by inventing methods.
#[must_use]
pub fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

/// A `traceparent` of the caller's trace with a span of our own, or of a new trace.
fn continue_trace(headers: &axum::http::HeaderMap, ids: &IdGen) -> String {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let trace_id = match given.split('-').collect::<Vec<_>>().as_slice() {
        ["00", trace, span, _]
            if trace.len() == 32
                && span.len() == 16
                && trace.bytes().all(|byte| byte.is_ascii_hexdigit())
                && trace.bytes().any(|byte| byte != b'0') =>
        {
            (*trace).to_owned()
        }
        _ => ids.token(16),
    };
    format!("00-{trace_id}-{}-01", ids.token(8))
}
