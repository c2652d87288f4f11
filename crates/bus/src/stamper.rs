//! Puts events into envelopes: id, time and trace context.

use std::sync::Arc;

use souk_events::{Envelope, Event, EventError};
use souk_values::{Clock, IdGen};

use crate::trace;

/// Stamps envelopes for one service.
#[derive(Debug, Clone)]
pub struct Stamper {
    ids: IdGen,
    clock: Arc<dyn Clock>,
    traceparent: Option<String>,
}

impl Stamper {
    /// A stamper without a trace.
    #[must_use]
    pub fn new(ids: IdGen, clock: Arc<dyn Clock>) -> Self {
        Self { ids, clock, traceparent: None }
    }

    /// The same, for the trace of the work at hand. Call it before a transaction whose events are
    /// decided inside: transactions run on the store's task, where the trace is not known.
    #[must_use]
    pub fn in_this_trace(&self) -> Self {
        Self { traceparent: trace::current(), ..self.clone() }
    }

    /// Wraps `event`. Errors: only if it cannot be shown as JSON.
    pub fn stamp<E: Event>(&self, event: &E) -> Result<Envelope, EventError> {
        let traceparent = self.traceparent.clone().or_else(trace::current);
        Envelope::wrap(self.ids.uuid(), self.clock.now(), traceparent, event)
    }
}
