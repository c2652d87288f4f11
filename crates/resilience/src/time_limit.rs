//! The time limit: a call that takes too long is dropped.

use std::{fmt, time::Duration};

use metrics::{Counter, counter, describe_counter};

use crate::series::Series;

const CALLS: &str = "resilience4j_timelimiter_calls_total";

/// The call took longer than it may. Whether the target did its work is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {} ms", .limit.as_millis())]
pub struct TimedOut {
    /// How long was waited.
    pub limit: Duration,
}

/// How long the calls of one target may take.
pub struct TimeLimit {
    limit: Duration,
    successful: Counter,
    failed: Counter,
    timeout: Counter,
}

impl TimeLimit {
    /// For calls of `service` to the target `name`.
    #[must_use]
    pub fn new(service: impl Into<String>, name: impl Into<String>, limit: Duration) -> Self {
        describe_counter!(CALLS, "Calls under a time limit");
        let series = Series { service: service.into(), name: name.into() };
        let kind = |kind| counter!(CALLS, series.labels_and("kind", kind));
        Self { limit, successful: kind("successful"), failed: kind("failed"), timeout: kind("timeout") }
    }

    /// The answer of `call`, or [`TimedOut`] as its error; then `call` is dropped where it stands.
    pub async fn run<T, E: From<TimedOut>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        // A network wait, not business time: it runs by tokio's timer and not by the injected clock.
        let Ok(answer) = tokio::time::timeout(self.limit, call).await else {
            self.timeout.increment(1);
            return Err(TimedOut { limit: self.limit }.into());
        };
        let counter = if answer.is_ok() { &self.successful } else { &self.failed };
        counter.increment(1);
        answer
    }
}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeLimit").field("limit", &self.limit).finish_non_exhaustive()
    }
}
