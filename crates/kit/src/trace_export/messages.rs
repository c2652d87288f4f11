//! The part of OTLP's protocol buffers that an export of spans needs (opentelemetry-proto 1.x, `trace/v1`).

use prost::{Message, Oneof};
use souk_bus::trace::{Attribute, Span, SpanKind, span_id};

use super::Finished;
use crate::traces::trace_id;

/// Value of `status.code` for a failure.
const STATUS_ERROR: i32 = 2;

/// Body of `POST /v1/traces`.
#[derive(Clone, PartialEq, Message)]
pub struct ExportTraceServiceRequest {
    /// The spans, by service.
    #[prost(message, repeated, tag = "1")]
    pub resource_spans: Vec<ResourceSpans>,
}

/// The spans of one service.
#[derive(Clone, PartialEq, Message)]
pub struct ResourceSpans {
    /// The service.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// Its spans, by library; here there is one.
    #[prost(message, repeated, tag = "2")]
    pub scope_spans: Vec<ScopeSpans>,
}

/// The origin of spans.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// `service.name` and others.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// The spans of one library.
#[derive(Clone, PartialEq, Message)]
pub struct ScopeSpans {
    /// The library.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// Its spans.
    #[prost(message, repeated, tag = "2")]
    pub spans: Vec<ExportedSpan>,
}

/// A library with its version.
#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    /// Always `souk`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Version of souk.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// A span on the wire.
#[derive(Clone, PartialEq, Message)]
pub struct ExportedSpan {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// 8 bytes, or none for the first span of a trace.
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    /// Name of the kind of work.
    #[prost(string, tag = "5")]
    pub name: String,
    /// 2 for a server, 5 for a consumer.
    #[prost(int32, tag = "6")]
    pub kind: i32,
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "7")]
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "8")]
    pub end_time_unix_nano: u64,
    /// Further facts.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    /// Set for a failure.
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
}

/// The outcome of a span.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// 2 for a failure.
    #[prost(int32, tag = "3")]
    pub code: i32,
}

/// An attribute.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    /// Name by OpenTelemetry's conventions.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// A value of one of several types.
#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    /// The value.
    #[prost(oneof = "AnyValueKind", tags = "1, 3")]
    pub value: Option<AnyValueKind>,
}

/// The types that spans of souk use.
#[derive(Clone, PartialEq, Oneof)]
pub enum AnyValueKind {
    /// A text.
    #[prost(string, tag = "1")]
    Text(String),
    /// An integer.
    #[prost(int64, tag = "3")]
    Number(i64),
}

/// Returns the body of a request with `spans`.
pub(super) fn encode(spans: &[Finished]) -> Vec<u8> {
    let mut services: Vec<ResourceSpans> = Vec::new();
    let mut order: Vec<&'static str> = Vec::new();
    for finished in spans {
        let service = finished.span.service;
        let index = order.iter().position(|known| *known == service).unwrap_or_else(|| {
            order.push(service);
            services.push(of_service(service));
            order.len() - 1
        });
        if let Some(scope) = services.get_mut(index).and_then(|one| one.scope_spans.first_mut()) {
            scope.spans.extend(exported(finished));
        }
    }
    ExportTraceServiceRequest { resource_spans: services }.encode_to_vec()
}

fn of_service(service: &str) -> ResourceSpans {
    let attributes = vec![text("service.name", service), text("service.namespace", "souk")];
    let scope = Scope { name: "souk".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: Vec::new() }];
    ResourceSpans { resource: Some(Resource { attributes }), scope_spans }
}

/// Returns `None` for ids that are not hexadecimal, which no trace context of souk has.
fn exported(Finished { span, ended }: &Finished) -> Option<ExportedSpan> {
    let Span { name, kind, traceparent, parent, duration, attributes, has_failed, .. } = span;
    let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Some(ExportedSpan {
        trace_id: hex::decode(trace_id(traceparent)).ok()?,
        span_id: hex::decode(span_id(traceparent)?).ok()?,
        parent_span_id: parent.as_ref().and_then(|parent| hex::decode(parent).ok()).unwrap_or_default(),
        name: name.clone(),
        kind: match kind {
            SpanKind::Server => 2,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: ended.saturating_sub(duration),
        end_time_unix_nano: *ended,
        attributes: attributes.iter().map(|(key, value)| attribute(key, value)).collect(),
        status: has_failed.then_some(Status { code: STATUS_ERROR }),
    })
}

fn attribute(key: &str, value: &Attribute) -> KeyValue {
    let value = match value {
        Attribute::Text(value) => AnyValueKind::Text(value.clone()),
        Attribute::Number(value) => AnyValueKind::Number(*value),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, &Attribute::Text(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The same request as encoded by OpenTelemetry's own Python package, opentelemetry-proto 1.x.
    const REFERENCE: &str = "0ada010a360a170a0c736572766963652e6e616d6512070a056f726465720a1b0a11736572766963652e6e616d65737061636512060a04736f756b129f010a0d0a04736f756b1205302e312e30128d010a104bf92f3577b34da6a3ce929d0e0e4736120800f067aa0ba902b7220853995c3f42cd8ad82a0c504f5354202f6f726465727330023900002a36fe9c97174180b21045fe9c97174a1d0a13687474702e726571756573742e6d6574686f6412060a04504f53544a200a19687474702e726573706f6e73652e7374617475735f636f6465120318f7037a021802";

    #[test]
    fn a_span_is_encoded_as_the_reference_does() {
        let span = Span {
            service: "order",
            name: "POST /orders".to_owned(),
            kind: SpanKind::Server,
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            parent: Some("53995c3f42cd8ad8".to_owned()),
            duration: Duration::from_millis(250),
            attributes: vec![
                ("http.request.method", Attribute::Text("POST".to_owned())),
                ("http.response.status_code", Attribute::Number(503)),
            ],
            has_failed: true,
        };
        let finished = Finished { span, ended: 1_700_000_000_250_000_000 };
        let encoded = hex::encode(encode(std::slice::from_ref(&finished)));
        // The version is the only part that changes.
        assert_eq!(encoded, REFERENCE.replace(&hex::encode("0.1.0"), &hex::encode(env!("CARGO_PKG_VERSION"))));
        let request = ExportTraceServiceRequest::decode(&encode(&[finished.clone(), finished])[..]).unwrap();
        assert_eq!((request.resource_spans.len(), request.resource_spans[0].scope_spans[0].spans.len()), (1, 2));
    }
}
