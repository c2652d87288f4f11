//! The handlers of one queue: the event they receive, the outcome they return, and the lookup by event type.

use std::{collections::HashMap, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Instant};

use futures::FutureExt;
use souk_events::{Envelope, Event, Queue};
use souk_sql::SqlError;
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{
    BusError,
    trace::{self, Attribute, Span, SpanKind},
};

/// An event as a handler receives it.
#[derive(Debug, Clone)]
pub struct Received<E> {
    /// Name of the queue that delivered the event.
    pub queue: &'static str,
    /// Id of the event's envelope, the same at every delivery.
    pub event_id: Uuid,
    /// Version of the aggregate after the event.
    pub version: i64,
    /// Time at which the event took place.
    pub time: Timestamp,
    /// The payload.
    pub event: E,
}

impl<E> Received<E> {
    /// Returns the key under which the inbox records this event.
    pub fn cause(&self) -> Cause {
        Cause { queue: self.queue, event_id: self.event_id }
    }
}

/// The event that a transaction applies: the key that [`inbox::record`](crate::inbox::record) inserts in the same
/// transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Name of the queue that delivered the event.
    pub queue: &'static str,
    /// Id of the event's envelope.
    pub event_id: Uuid,
}

/// The outcome of a handled event, for metrics. Both acknowledge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The event took effect.
    Applied,
    /// The event was a duplicate or older than the known state, and changed nothing.
    Ignored,
}

impl From<bool> for Outcome {
    fn from(is_applied: bool) -> Self {
        if is_applied { Self::Applied } else { Self::Ignored }
    }
}

/// A handler's failure, by its cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The message cannot be handled. It is redelivered a few times and then becomes a dead letter.
    #[error("{0}")]
    Handling(String),
    /// The consumer's engine or a peer is unavailable. Consuming pauses, and the message loses no attempt.
    #[error("{0}")]
    Unavailable(String),
}

impl From<SqlError> for Failure {
    /// Counts what [`SqlError::is_transient`] does not excuse against the message, such as a row that cannot be read. A
    /// queue that one message blocks forever would be worse than a dead letter, which can be replayed once the defect is
    /// fixed.
    fn from(error: SqlError) -> Self {
        if error.is_transient() { Self::Unavailable(error.to_string()) } else { Self::Handling(error.to_string()) }
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Store(error) => error.into(),
            BusError::Unavailable(_) | BusError::Drift(_) => Self::Unavailable(error.to_string()),
            BusError::Event(_)
            | BusError::Damaged(_)
            | BusError::NoSuchDeadLetter(_)
            | BusError::StillUnreadable(_)
            | BusError::ReadOnly
            | BusError::Configuration(_) => Self::Handling(error.to_string()),
        }
    }
}

type Handling = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + Send>>;
type Handler = Arc<dyn Fn(Envelope) -> Handling + Send + Sync>;

/// The handlers of one queue by event type.
#[derive(Clone)]
pub(crate) struct Handlers {
    pub queue: &'static Queue,
    by_type: HashMap<&'static str, Handler>,
}

impl Handlers {
    pub fn new(queue: &'static Queue) -> Self {
        Self { queue, by_type: HashMap::new() }
    }

    pub fn add<E, S, F, H>(&mut self, state: &S, handler: F)
    where
        E: Event,
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Received<E>) -> H + Send + Sync + 'static,
        H: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let queue = self.queue.name;
        let state = state.clone();
        let handle = move |envelope: Envelope| -> Handling {
            match envelope.open::<E>() {
                Err(error) => Box::pin(async move { Err(Failure::Handling(error.to_string())) }),
                Ok(event) => Box::pin(handler(
                    state.clone(),
                    Received {
                        queue,
                        event_id: envelope.id,
                        version: envelope.aggregateversion,
                        time: envelope.time,
                        event,
                    },
                )),
            }
        };
        self.by_type.insert(E::TYPE, Arc::new(handle));
    }

    /// Runs the handler of the envelope's event type. An event without a handler is ignored.
    pub async fn handle(&self, envelope: Envelope) -> Result<Outcome, Failure> {
        let Some(handler) = self.by_type.get(envelope.event_type.as_str()) else { return Ok(Outcome::Ignored) };
        let span = HandlingSpan::begin(self.queue, &envelope);
        let context = span.as_ref().map(|span| span.traceparent.clone()).or_else(|| envelope.traceparent.clone());
        let handling = trace::within(context, handler(envelope));
        // A panic is a defect of the handler; it must not stop the queue.
        let caught = AssertUnwindSafe(handling).catch_unwind().await;
        let outcome = caught.unwrap_or_else(|_| Err(Failure::Handling("the handler panicked".to_owned())));
        if let Some(span) = span {
            span.end(outcome.is_err());
        }
        outcome
    }
}

/// The span of one event's handling, caused by the span in which the event was stamped.
struct HandlingSpan {
    queue: &'static Queue,
    event_type: String,
    event_id: Uuid,
    traceparent: String,
    parent: Option<String>,
    began: Instant,
}

impl HandlingSpan {
    /// Returns `None` for an event outside of a trace, and when this process exports no spans.
    fn begin(queue: &'static Queue, envelope: &Envelope) -> Option<Self> {
        let cause = envelope.traceparent.as_deref()?;
        Some(Self {
            queue,
            event_type: envelope.event_type.clone(),
            event_id: envelope.id,
            traceparent: trace::child(cause, (queue.name, envelope.id.as_bytes()))?,
            parent: trace::span_id(cause).map(ToOwned::to_owned),
            began: Instant::now(),
        })
    }

    fn end(self, has_failed: bool) {
        let Self { queue, event_type, event_id, traceparent, parent, began } = self;
        let context = traceparent.clone();
        let span = || Span {
            service: queue.service(),
            name: format!("process {event_type}"),
            kind: SpanKind::Consumer,
            traceparent,
            parent,
            duration: began.elapsed(),
            attributes: vec![
                ("messaging.system", Attribute::Text("souk".to_owned())),
                ("messaging.operation.type", Attribute::Text("process".to_owned())),
                ("messaging.destination.name", Attribute::Text(queue.name.to_owned())),
                ("messaging.message.id", Attribute::Text(event_id.to_string())),
            ],
            has_failed,
        };
        trace::record(span, &context);
    }
}
