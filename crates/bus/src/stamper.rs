//! Wraps events in envelopes with an id, a time and the trace context.

use std::sync::Arc;

use souk_events::{Envelope, Event, EventError};
use souk_values::{Clock, IdGen};

use crate::trace;

/// Creates the envelopes of one service's events.
#[derive(Debug, Clone)]
pub struct Stamper {
    ids: IdGen,
    clock: Arc<dyn Clock>,
    traceparent: Option<String>,
}

impl Stamper {
    /// Returns a stamper that reads the trace context of the task in which it stamps.
    #[must_use]
    pub fn new(ids: IdGen, clock: Arc<dyn Clock>) -> Self {
        Self { ids, clock, traceparent: None }
    }

    /// Returns a stamper for the trace context of the current task. Call it before a transaction that stamps events:
    /// transactions run on a task of the store, which has no trace context.
    #[must_use]
    pub fn with_current_trace(&self) -> Self {
        Self { traceparent: trace::current(), ..self.clone() }
    }

    /// Wraps `event` in an envelope. Errors: the event cannot be serialized.
    pub fn stamp<E: Event>(&self, event: &E) -> Result<Envelope, EventError> {
        let traceparent = self.traceparent.clone().or_else(trace::current);
        Envelope::wrap(self.ids.uuid(), self.clock.now(), traceparent, event)
    }
}
