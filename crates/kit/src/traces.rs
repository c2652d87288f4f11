//! Observation of every request: trace context, duration histogram, and a log line for failures.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::Response,
};
use souk_values::IdGen;

use crate::metrics;

/// State of the observation layer.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub service: &'static str,
    pub ids: Arc<IdGen>,
}

/// Continues the caller's trace, or begins one; counts the request under its matched route.
pub(crate) async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    // A span of real time: what a caller waits is not moved by a test's clock.
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let traceparent = continue_trace(request.headers_mut(), &observer.ids);
    let trace_id = trace_id(&traceparent).to_owned();
    let response = souk_bus::trace::within(Some(traceparent), next.run(request)).await;
    let status = response.status();
    let elapsed = started.elapsed();
    metrics::request(observer.service, method_label(&method), &route, status, elapsed);
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    // A probe that finds the service not ready has not failed; the missing dependency is logged where it is used.
    if status.is_server_error() && route != "/health/ready" {
        tracing::warn!(service = observer.service, http.method = %method, http.route = route,
            http.status = status.as_u16(), duration_ms, trace.id = trace_id, "a request failed");
    } else {
        tracing::debug!(service = observer.service, http.method = %method, http.route = route,
            http.status = status.as_u16(), duration_ms, trace.id = trace_id, "served");
    }
    response
}

/// Returns the method as a label of a closed set: clients that invent methods must not create series.
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

/// Sets `traceparent` to a new span in the caller's trace, or in a new trace, and returns it.
pub fn continue_trace(headers: &mut HeaderMap, ids: &IdGen) -> String {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(read);
    let text = if let Some((trace, flags)) = given {
        format!("00-{trace}-{}-{flags}", ids.token(8))
    } else {
        // It belongs to a trace that is not continued.
        headers.remove("tracestate");
        format!("00-{}-{}-01", ids.token(16), ids.token(8))
    };
    // Hexadecimal digits and dashes are always valid in a header.
    let value = HeaderValue::try_from(text.as_str()).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert("traceparent", value);
    text
}

/// Returns the trace id of a `traceparent`, for logs.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.get(3..35).unwrap_or_default()
}

/// Parses a `traceparent` into trace id and flags.
fn read(text: &str) -> Option<(&str, &str)> {
    let is_hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_set = |part: &str| part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("00"), Some(trace), Some(span), Some(flags), None)
            if is_hex(trace, 32) && is_set(trace) && is_hex(span, 16) && is_set(span) && is_hex(flags, 2) =>
        {
            Some((trace, flags))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use souk_values::ShiftedClock;

    use super::*;

    #[test]
    fn a_trace_is_continued_or_begun() {
        let ids = IdGen::new(ShiftedClock::new(Duration::ZERO));
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        for (text, is_continued) in [
            (given, true),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-00", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00", false),
            ("rubbish", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_static(text));
            headers.insert("tracestate", HeaderValue::from_static("a=b"));
            let sent = continue_trace(&mut headers, &ids);
            assert_eq!(trace_id(&sent) == &given[3..35], is_continued, "{text}");
            assert_eq!(headers.contains_key("tracestate"), is_continued, "{text}");
            let now = headers.get("traceparent").unwrap().to_str().unwrap();
            assert!(read(now).is_some(), "{now}");
            assert_ne!(now, given, "the span is new");
        }
    }
}
