//! Observation of every request: trace context, duration histogram, and a log line for failures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use souk_bus::trace::{self, Attribute, Span, SpanKind};
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
    let context = continue_trace(request.headers_mut(), &observer.ids, Sampling::OfCaller);
    let trace_id = context.trace_id().to_owned();
    let response = trace::within(Some(context.traceparent.clone()), next.run(request)).await;
    let status = response.status();
    let elapsed = started.elapsed();
    metrics::request(observer.service, method_label(&method), &route, status, elapsed);
    // Probes and scrapes are no one's request.
    if !route.starts_with("/health") && route != "/metrics" {
        context.end(observer.service, (&method, &route), status, elapsed);
    }
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

/// The one who decides whether a trace is sampled that comes with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// The caller, as between services.
    OfCaller,
    /// This process: a stranger could have every request exported.
    OfThisProcess,
}

/// The place of a request in its trace.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The span of this request, as it was set in its headers.
    pub traceparent: String,
    /// Span id of the caller.
    parent: Option<String>,
}

impl RequestContext {
    /// Returns the trace id, for logs.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        trace_id(&self.traceparent)
    }

    /// Records the span of the request, once its response is known.
    pub fn end(&self, service: &'static str, called: (&http::Method, &str), status: StatusCode, duration: Duration) {
        let (method, route) = called;
        let span = || Span {
            service,
            name: format!("{} {route}", method_label(method)),
            kind: SpanKind::Server,
            traceparent: self.traceparent.clone(),
            parent: self.parent.clone(),
            duration,
            attributes: vec![
                ("http.request.method", Attribute::Text(method_label(method).to_owned())),
                ("http.route", Attribute::Text(route.to_owned())),
                ("http.response.status_code", Attribute::Number(i64::from(status.as_u16()))),
            ],
            has_failed: status.is_server_error(),
        };
        trace::record(span, &self.traceparent);
    }
}

/// Sets `traceparent` to a new span in the caller's trace, or in a new trace, and returns it.
pub fn continue_trace(headers: &mut HeaderMap, ids: &IdGen, sampling: Sampling) -> RequestContext {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(read);
    let parent = given.map(|Given { span, .. }| span.to_owned());
    let text = match given {
        Some(Given { trace, flags, .. }) if sampling == Sampling::OfCaller => {
            format!("00-{trace}-{}-{flags}", ids.token(8))
        }
        Some(Given { trace, .. }) => format!("00-{trace}-{}-{}", ids.token(8), trace::flags_of(trace)),
        None => {
            // It belongs to a trace that is not continued.
            headers.remove("tracestate");
            let trace = ids.token(16);
            format!("00-{trace}-{}-{}", ids.token(8), trace::flags_of(&trace))
        }
    };
    // Hexadecimal digits and dashes are always valid in a header.
    let value = HeaderValue::try_from(text.as_str()).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert("traceparent", value);
    RequestContext { traceparent: text, parent }
}

/// Returns the trace id of a `traceparent`, for logs.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.get(3..35).unwrap_or_default()
}

/// The parts of a valid `traceparent`.
#[derive(Clone, Copy)]
struct Given<'t> {
    trace: &'t str,
    span: &'t str,
    flags: &'t str,
}

fn read(text: &str) -> Option<Given<'_>> {
    let is_hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_set = |part: &str| part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("00"), Some(trace), Some(span), Some(flags), None)
            if is_hex(trace, 32) && is_set(trace) && is_hex(span, 16) && is_set(span) && is_hex(flags, 2) =>
        {
            Some(Given { trace, span, flags })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
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
            let context = continue_trace(&mut headers, &ids, Sampling::OfCaller);
            assert_eq!(context.trace_id() == &given[3..35], is_continued, "{text}");
            assert_eq!(context.parent.as_deref(), is_continued.then_some(&given[36..52]), "{text}");
            assert_eq!(context.traceparent.ends_with("-00"), is_continued, "{text}");
            assert_eq!(headers.contains_key("tracestate"), is_continued, "{text}");
            let now = headers.get("traceparent").unwrap().to_str().unwrap();
            assert!(read(now).is_some(), "{now}");
            assert_ne!(now, given, "the span is new");
        }
        let mut headers = HeaderMap::from_iter([(
            http::header::HeaderName::from_static("traceparent"),
            HeaderValue::from_static(given),
        )]);
        let context = continue_trace(&mut headers, &ids, Sampling::OfThisProcess);
        assert!(context.trace_id() == &given[3..35] && context.traceparent.ends_with("-01"), "{}", context.traceparent);
    }
}
