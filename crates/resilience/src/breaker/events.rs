//! The latest events of a circuit breaker, with the names of Resilience4j, for those who operate it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use souk_values::Timestamp;

use super::state::State;

/// Number of events that are kept, as by Resilience4j.
const KEPT: usize = 100;

/// Something that happened at a breaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Time at which it happened.
    pub at: Timestamp,
    /// Kind, with the facts of that kind.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A call succeeded.
    Success {
        /// Its duration.
        took: Duration,
    },
    /// A call failed.
    Error {
        /// Its duration.
        took: Duration,
        /// Reason, for operators.
        cause: Arc<str>,
    },
    /// A call ended with an error that says nothing about the health of the target.
    IgnoredError {
        /// Its duration.
        took: Duration,
    },
    /// A call was denied.
    NotPermitted,
    /// The state changed.
    StateTransition {
        /// State before.
        from: State,
        /// State after.
        to: State,
    },
    /// An operator emptied the breaker.
    Reset,
    /// The rate of failed calls reached its threshold.
    FailureRateExceeded {
        /// The rate, in percent.
        rate: f64,
    },
    /// The rate of slow calls reached its threshold.
    SlowCallRateExceeded {
        /// The rate, in percent.
        rate: f64,
    },
}

impl EventKind {
    /// Returns the name in the actuator's responses, such as `NOT_PERMITTED`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Success { .. } => "SUCCESS",
            Self::Error { .. } => "ERROR",
            Self::IgnoredError { .. } => "IGNORED_ERROR",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::StateTransition { .. } => "STATE_TRANSITION",
            Self::Reset => "RESET",
            Self::FailureRateExceeded { .. } => "FAILURE_RATE_EXCEEDED",
            Self::SlowCallRateExceeded { .. } => "SLOW_CALL_RATE_EXCEEDED",
        }
    }
}

/// The last events, the oldest first.
#[derive(Debug, Default)]
pub(super) struct EventLog(VecDeque<Event>);

impl EventLog {
    pub fn push(&mut self, at: Timestamp, kind: EventKind) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Event { at, kind });
    }

    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.0.iter()
    }
}
