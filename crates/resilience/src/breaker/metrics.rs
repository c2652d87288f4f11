//! The metrics of one circuit breaker, with the names of Resilience4j.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::{machine::Outcome, snapshot::Snapshot, state::State};
use crate::series::Series;

const STATE: &str = "resilience4j_circuitbreaker_state";
const BUFFERED_CALLS: &str = "resilience4j_circuitbreaker_buffered_calls";
const SLOW_CALLS: &str = "resilience4j_circuitbreaker_slow_calls";
const FAILURE_RATE: &str = "resilience4j_circuitbreaker_failure_rate";
const SLOW_CALL_RATE: &str = "resilience4j_circuitbreaker_slow_call_rate";
const CALLS_SECONDS: &str = "resilience4j_circuitbreaker_calls_seconds";
const NOT_PERMITTED_CALLS: &str = "resilience4j_circuitbreaker_not_permitted_calls_total";

pub(super) struct BreakerMetrics {
    states: [(State, Gauge); 6],
    buffered_successful: Gauge,
    buffered_failed: Gauge,
    slow_successful: Gauge,
    slow_failed: Gauge,
    failure_rate: Gauge,
    slow_call_rate: Gauge,
    successful: Histogram,
    failed: Histogram,
    ignored: Histogram,
    not_permitted: Counter,
}

impl BreakerMetrics {
    pub fn new(series: &Series) -> Self {
        describe();
        let kind = |kind| series.labels_and("kind", kind);
        Self {
            states: State::ALL.map(|state| (state, gauge!(STATE, series.labels_and("state", state.label())))),
            buffered_successful: gauge!(BUFFERED_CALLS, kind("successful")),
            buffered_failed: gauge!(BUFFERED_CALLS, kind("failed")),
            slow_successful: gauge!(SLOW_CALLS, kind("successful")),
            slow_failed: gauge!(SLOW_CALLS, kind("failed")),
            failure_rate: gauge!(FAILURE_RATE, series.labels()),
            slow_call_rate: gauge!(SLOW_CALL_RATE, series.labels()),
            successful: histogram!(CALLS_SECONDS, kind("successful")),
            failed: histogram!(CALLS_SECONDS, kind("failed")),
            ignored: histogram!(CALLS_SECONDS, kind("ignored")),
            not_permitted: counter!(NOT_PERMITTED_CALLS, kind("not_permitted")),
        }
    }

    pub fn show_state(&self, current: State) {
        for (state, gauge) in &self.states {
            gauge.set(if *state == current { 1.0 } else { 0.0 });
        }
    }

    pub fn show_calls(&self, snapshot: &Snapshot) {
        self.buffered_successful.set(snapshot.buffered_calls - snapshot.failed_calls);
        self.buffered_failed.set(snapshot.failed_calls);
        self.slow_successful.set(snapshot.slow_calls - snapshot.slow_failed_calls);
        self.slow_failed.set(snapshot.slow_failed_calls);
        self.failure_rate.set(snapshot.failure_rate);
        self.slow_call_rate.set(snapshot.slow_call_rate);
    }

    /// Returns the series of the durations of such calls.
    pub fn timer(&self, outcome: &Outcome) -> &Histogram {
        match outcome {
            Outcome::Successful => &self.successful,
            Outcome::Failed(_) => &self.failed,
            Outcome::Ignored => &self.ignored,
        }
    }

    pub fn deny(&self) {
        self.not_permitted.increment(1);
    }
}

fn describe() {
    describe_gauge!(STATE, "1 for the state that the circuit breaker is in, 0 for the others");
    describe_gauge!(BUFFERED_CALLS, "Results in the circuit breaker's window");
    describe_gauge!(SLOW_CALLS, "Slow calls in the circuit breaker's window");
    describe_gauge!(FAILURE_RATE, "Failed calls in the window in percent, -1 below the minimum number of calls");
    describe_gauge!(SLOW_CALL_RATE, "Slow calls in the window in percent, -1 below the minimum number of calls");
    describe_histogram!(CALLS_SECONDS, "How long calls took that the circuit breaker let pass");
    describe_counter!(NOT_PERMITTED_CALLS, "Calls that the circuit breaker denied");
}
