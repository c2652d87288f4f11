//! The W3C trace context of the current task, which events carry from a request to their handlers, and the spans of a
//! trace, for the process that exports them.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::OnceLock,
    time::Duration,
};

tokio::task_local! {
    static TRACEPARENT: Option<String>;
}

/// Set once, by a process that exports spans.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

struct Recorder {
    ratio: f64,
    record: Box<dyn Fn(Span) + Send + Sync>,
}

/// Finished work for a request or a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Name of the service that did it.
    pub service: &'static str,
    /// Name of the kind of work: it has no ids.
    pub name: String,
    /// Side of the communication that it is.
    pub kind: SpanKind,
    /// Its own trace context, as a `traceparent`.
    pub traceparent: String,
    /// Span id of its cause, 16 hexadecimal digits; `None` where the trace begins.
    pub parent: Option<String>,
    /// Time that it took until now.
    pub duration: Duration,
    /// Further facts, under the names of OpenTelemetry's conventions.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// True if it failed for a reason that is not its caller's.
    pub has_failed: bool,
}

/// The side of a communication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Answers a request.
    Server,
    /// Handles a message.
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A text, never a customer's.
    Text(String),
    /// An integer.
    Number(i64),
}

/// Passes the spans of sampled traces to `record` from now on. Of new traces, `ratio` (0 to 1) are sampled. A second call has
/// no effect.
pub fn record_with(ratio: f64, record: impl Fn(Span) + Send + Sync + 'static) {
    let _ = RECORDER.set(Recorder { ratio, record: Box::new(record) });
}

/// Records a finished span, if its trace is sampled and this process exports spans.
pub fn record(span: impl FnOnce() -> Span, traceparent: &str) {
    if let Some(recorder) = RECORDER.get().filter(|_| is_sampled(traceparent)) {
        (recorder.record)(span());
    }
}

/// Returns the flags of a new trace: `01` if it is sampled. Every service decides alike, by the id.
#[must_use]
pub fn flags_of(trace_id: &str) -> &'static str {
    match RECORDER.get() {
        // Another process of the shop may export its spans.
        None => "01",
        Some(recorder) => flags_within(trace_id, recorder.ratio),
    }
}

fn flags_within(trace_id: &str, ratio: f64) -> &'static str {
    // The last digits of an id are random in every version of the standard.
    let digits = trace_id.len().checked_sub(8).and_then(|start| trace_id.get(start..)).unwrap_or_default();
    let place = u32::from_str_radix(digits, 16).map_or(1.0, |number| f64::from(number) / 4_294_967_296.0);
    if place < ratio { "01" } else { "00" }
}

fn is_sampled(traceparent: &str) -> bool {
    let flags = traceparent.get(53..55).and_then(|flags| u8::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & 1 == 1)
}

/// Returns the span id of a `traceparent`.
#[must_use]
pub fn span_id(traceparent: &str) -> Option<&str> {
    traceparent.get(36..52)
}

/// Returns the context of work that `traceparent` caused, if this process exports spans. The same `work`, done again,
/// has the same span: a repeated delivery is no second one.
#[must_use]
pub fn child(traceparent: &str, work: (&str, &[u8])) -> Option<String> {
    RECORDER.get()?;
    child_of(traceparent, work)
}

fn child_of(traceparent: &str, work: (&str, &[u8])) -> Option<String> {
    let (trace, flags) = (traceparent.get(..36)?, traceparent.get(52..55)?);
    let mut hasher = DefaultHasher::new();
    work.hash(&mut hasher);
    // An id of zeros is invalid.
    Some(format!("{trace}{:016x}{flags}", hasher.finish().max(1)))
}

/// Runs `work` with `traceparent` as the trace context of the events that it stamps.
pub async fn within<F: Future>(traceparent: Option<String>, work: F) -> F::Output {
    TRACEPARENT.scope(traceparent, work).await
}

/// Returns the `traceparent` of the current task; `None` outside of [`within`].
#[must_use]
pub fn current() -> Option<String> {
    TRACEPARENT.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_the_traces_is_sampled() {
        let ids = [
            "4bf92f3577b34da6a3ce929d00000000",
            "4bf92f3577b34da6a3ce929d3fffffff",
            "4bf92f3577b34da6a3ce929dffffffff",
        ];
        let sampled = |ratio| ids.map(|id| flags_within(id, ratio) == "01");
        assert_eq!(sampled(0.0), [false, false, false]);
        assert_eq!(sampled(0.25), [true, true, false]);
        assert_eq!(sampled(1.0), [true, true, true]);
        assert_eq!(flags_within("short", 1.0), "00");
    }

    #[test]
    fn the_same_work_has_the_same_span_in_its_trace() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let child = child_of(parent, ("order.events", b"1")).unwrap();
        assert_eq!(child, child_of(parent, ("order.events", b"1")).unwrap());
        assert_ne!(child, child_of(parent, ("cart.events", b"1")).unwrap());
        assert_ne!(child, child_of(parent, ("order.events", b"2")).unwrap());
        assert_eq!((&child[..36], &child[52..], child.len()), (&parent[..36], "-01", parent.len()));
        assert_ne!(span_id(&child), span_id(parent));
        assert!(is_sampled(&child) && !is_sampled(&child.replace("-01", "-02")) && !is_sampled("rubbish"));
        assert_eq!(child_of("rubbish", ("order.events", b"1")), None);
    }
}
