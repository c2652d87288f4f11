//! The time limit, Resilience4j's `TimeLimiter`: cancels calls that take too long.

use std::{fmt, time::Duration};

use metrics::{Counter, counter, describe_counter};

use crate::series::Series;

const CALLS: &str = "resilience4j_timelimiter_calls_total";

/// The call was cancelled after the time limit. It is unknown whether the target has processed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {} ms", .limit.as_millis())]
pub struct TimedOut {
    /// The limit that was exceeded.
    pub limit: Duration,
}

/// Limits the duration of calls to one target.
pub struct TimeLimit {
    limit: Duration,
    successful: Counter,
    failed: Counter,
    timeout: Counter,
}

impl TimeLimit {
    /// Returns a time limit for calls of `service` to the target `name`.
    #[must_use]
    pub fn new(service: impl Into<String>, name: impl Into<String>, limit: Duration) -> Self {
        describe_counter!(CALLS, "Calls under a time limit");
        let series = Series { service: service.into(), name: name.into() };
        let kind = |kind| counter!(CALLS, series.labels_and("kind", kind));
        Self { limit, successful: kind("successful"), failed: kind("failed"), timeout: kind("timeout") }
    }

    /// Returns the result of `call`, or drops `call` at the limit and returns [`TimedOut`] as its error.
    pub async fn run<T, E: From<TimedOut>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        // Tokio's timer rather than the injected clock: a test that moves that clock must not time out calls in flight.
        let Ok(result) = tokio::time::timeout(self.limit, call).await else {
            self.timeout.increment(1);
            return Err(TimedOut { limit: self.limit }.into());
        };
        let counter = if result.is_ok() { &self.successful } else { &self.failed };
        counter.increment(1);
        result
    }
}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeLimit").field("limit", &self.limit).finish_non_exhaustive()
    }
}
