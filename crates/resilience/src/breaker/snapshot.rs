//! The current values of a circuit breaker, for metrics and operators.

use super::{machine::Machine, state::State};

/// The current state, window and thresholds of a breaker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// State at the time of the snapshot.
    pub state: State,
    /// Number of consecutive transitions to OPEN; 0 in the state CLOSED.
    pub attempt: u32,
    /// Percentage of failed calls in the window, -1 below the minimum number of calls.
    pub failure_rate: f64,
    /// Failure rate in percent at which the breaker opens.
    pub failure_rate_threshold: f64,
    /// Percentage of slow calls in the window, -1 below the minimum number of calls.
    pub slow_call_rate: f64,
    /// Slow call rate in percent at which the breaker opens.
    pub slow_call_rate_threshold: f64,
    /// Number of calls in the window.
    pub buffered_calls: u32,
    /// Number of failed calls in the window.
    pub failed_calls: u32,
    /// Number of slow calls in the window.
    pub slow_calls: u32,
    /// Number of calls in the window that failed and were slow.
    pub slow_failed_calls: u32,
    /// Number of calls denied since the window was opened.
    pub not_permitted_calls: u64,
}

impl Snapshot {
    pub(super) fn of(machine: &Machine) -> Self {
        let totals = machine.totals();
        Self {
            state: machine.state(),
            attempt: machine.attempt(),
            failure_rate: machine.failure_rate().unwrap_or(-1.0),
            failure_rate_threshold: machine.config().failure_rate_threshold,
            slow_call_rate: machine.slow_call_rate().unwrap_or(-1.0),
            slow_call_rate_threshold: machine.config().slow_call_rate_threshold,
            buffered_calls: totals.calls,
            failed_calls: totals.failed,
            slow_calls: totals.slow,
            slow_failed_calls: totals.slow_failed,
            not_permitted_calls: machine.not_permitted(),
        }
    }
}
