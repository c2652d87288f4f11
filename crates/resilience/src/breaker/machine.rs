//! The state machine of a circuit breaker: pure, with the current time as an argument of every operation.

use std::{sync::Arc, time::Duration};

use souk_values::Timestamp;

use super::{
    config::{BreakerConfig, StateAfterWait, WindowType},
    events::{Event, EventKind, EventLog},
    state::{IllegalTransition, State},
    window::{Call, CountWindow, TimeWindow, Totals, Window},
};

/// `Retry-After` of a call that is denied because all trial calls are in progress. An estimate: their end is unknown.
const TRIAL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Identifies the window in which a permit was acquired. Its result counts in that window only: the late result of a call
/// from before an outage must not decide the trial after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowId(u64);

/// A change of state, to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    pub from: State,
    pub to: State,
}

/// The result of a permitted call.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Successful,
    Failed(Arc<str>),
    Ignored,
}

/// The result of comparing the rates with their thresholds, named as in Resilience4j.
enum Thresholds {
    BelowMinimumCalls,
    Below,
    Exceeded(EventKind),
}

pub(super) struct Machine {
    config: BreakerConfig,
    state: State,
    since: Timestamp,
    attempt: u32,
    trial_permits: u32,
    window: Window,
    window_id: WindowId,
    minimum: u32,
    not_permitted: u64,
    /// True once the events have it that a breaker in the state `METRICS_ONLY` would have opened.
    is_exceeded: bool,
    events: EventLog,
    transitions: Vec<Transition>,
}

impl Machine {
    pub fn new(config: BreakerConfig, now: Timestamp) -> Self {
        let mut machine = Self {
            window: Window::Count(CountWindow::new(1)),
            config,
            state: State::Closed,
            since: now,
            attempt: 0,
            trial_permits: 0,
            window_id: WindowId(0),
            minimum: 1,
            not_permitted: 0,
            is_exceeded: false,
            events: EventLog::default(),
            transitions: Vec::new(),
        };
        machine.open_window(machine.config.sliding_window_size);
        machine
    }

    /// Acquires permission for a call. Errors: the call is denied, with the time until one may be permitted.
    pub fn acquire(&mut self, now: Timestamp) -> Result<WindowId, Duration> {
        self.catch_up(now);
        // Strictly after the wait, as in Resilience4j.
        if self.state == State::Open && now > self.open_until() {
            self.enter(State::HalfOpen, now);
        }
        match self.state {
            State::Closed | State::Disabled | State::MetricsOnly => return Ok(self.window_id),
            State::HalfOpen if self.trial_permits > 0 => {
                self.trial_permits -= 1;
                return Ok(self.window_id);
            }
            State::HalfOpen | State::Open | State::ForcedOpen => {}
        }
        self.not_permitted += 1;
        if self.state.records() {
            self.events.push(now, EventKind::NotPermitted);
        }
        Err(match self.state {
            State::Open => self.open_until().since(now) + Duration::from_millis(1),
            State::HalfOpen => TRIAL_RETRY_AFTER,
            _ => self.config.wait_duration_in_open_state,
        })
    }

    /// Ends a call: records its result, and transitions if a rate has reached its threshold.
    pub fn finish(&mut self, window_id: WindowId, outcome: Outcome, took: Duration, now: Timestamp) {
        self.catch_up(now);
        let slow = took > self.config.slow_call_duration_threshold;
        let (kind, call) = match outcome {
            Outcome::Successful => (EventKind::Success { took }, Some(Call { failed: false, slow })),
            Outcome::Failed(cause) => (EventKind::Error { took, cause }, Some(Call { failed: true, slow })),
            Outcome::Ignored => (EventKind::IgnoredError { took }, None),
        };
        if self.state.records() {
            self.events.push(now, kind);
        }
        match call {
            Some(call) => self.record(window_id, call, now),
            None => self.release(window_id, now),
        }
    }

    fn record(&mut self, window_id: WindowId, call: Call, now: Timestamp) {
        if !self.state.records() || window_id != self.window_id {
            return;
        }
        self.window.record(call, now);
        match (self.state, self.check_thresholds()) {
            (State::Closed | State::HalfOpen, Thresholds::Exceeded(kind)) => {
                self.events.push(now, kind);
                self.enter(State::Open, now);
            }
            (State::MetricsOnly, Thresholds::Exceeded(kind)) if !self.is_exceeded => {
                self.is_exceeded = true;
                self.events.push(now, kind);
            }
            (State::HalfOpen, Thresholds::Below) => self.enter(State::Closed, now),
            _ => {}
        }
    }

    /// Releases the permit of a call that is not recorded.
    pub fn release(&mut self, window_id: WindowId, now: Timestamp) {
        self.catch_up(now);
        if self.state == State::HalfOpen && window_id == self.window_id {
            self.trial_permits += 1;
        }
    }

    pub fn transition_to(&mut self, next: State, now: Timestamp) -> Result<(), IllegalTransition> {
        self.catch_up(now);
        if !self.state.can_transition_to(next) {
            return Err(IllegalTransition { from: self.state, to: next });
        }
        self.enter(next, now);
        Ok(())
    }

    /// Transitions from any state to CLOSED with an empty window.
    pub fn reset(&mut self, now: Timestamp) {
        self.catch_up(now);
        self.events.push(now, EventKind::Reset);
        self.enter(State::Closed, now);
    }

    /// Performs the transition that was due before `now`. Every operation begins with this, because there is no timer.
    pub fn catch_up(&mut self, now: Timestamp) {
        // A system clock that was set back must not prolong a wait.
        self.since = self.since.min(now);
        self.window.catch_up(now);
        let max_wait = self.config.max_wait_duration_in_half_open_state;
        let trial_ends = self.since.plus(max_wait);
        if self.state == State::HalfOpen && !max_wait.is_zero() && now >= trial_ends {
            let next = match self.config.transition_to_state_after_wait_duration {
                StateAfterWait::Open => State::Open,
                StateAfterWait::Closed => State::Closed,
            };
            self.enter(next, trial_ends);
        }
        let is_automatic = self.config.automatic_transition_from_open_to_half_open_enabled;
        if is_automatic && self.state == State::Open && now > self.open_until() {
            self.enter(State::HalfOpen, now);
        }
    }

    /// Removes and returns the transitions since the last call.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// Returns the last events, the oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    pub fn config(&self) -> &BreakerConfig {
        &self.config
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// Number of consecutive transitions to OPEN; 0 in the state CLOSED.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    pub fn totals(&self) -> Totals {
        self.window.totals()
    }

    pub fn not_permitted(&self) -> u64 {
        self.not_permitted
    }

    /// Percentage of failed calls; `None` below the minimum number of calls.
    pub fn failure_rate(&self) -> Option<f64> {
        self.percent(self.totals().failed)
    }

    /// Percentage of slow calls; `None` below the minimum number of calls.
    pub fn slow_call_rate(&self) -> Option<f64> {
        self.percent(self.totals().slow)
    }

    fn percent(&self, part: u32) -> Option<f64> {
        let calls = self.totals().calls;
        (calls >= self.minimum).then(|| f64::from(part) * 100.0 / f64::from(calls))
    }

    fn check_thresholds(&self) -> Thresholds {
        match (self.failure_rate(), self.slow_call_rate()) {
            (Some(rate), _) if rate >= self.config.failure_rate_threshold => {
                Thresholds::Exceeded(EventKind::FailureRateExceeded { rate })
            }
            (_, Some(rate)) if rate >= self.config.slow_call_rate_threshold => {
                Thresholds::Exceeded(EventKind::SlowCallRateExceeded { rate })
            }
            (Some(_), Some(_)) => Thresholds::Below,
            _ => Thresholds::BelowMinimumCalls,
        }
    }

    fn open_until(&self) -> Timestamp {
        self.since.plus(self.config.wait_in_open(self.attempt))
    }

    fn enter(&mut self, next: State, now: Timestamp) {
        self.transitions.push(Transition { from: self.state, to: next });
        self.events.push(now, EventKind::StateTransition { from: self.state, to: next });
        self.state = next;
        self.since = now;
        self.attempt = match next {
            State::Open | State::ForcedOpen => self.attempt.saturating_add(1),
            State::HalfOpen => self.attempt,
            State::Closed | State::Disabled | State::MetricsOnly => 0,
        };
        match next {
            // Keeps the window, so that metrics show the calls that opened the breaker, and their late results.
            State::Open => {}
            State::HalfOpen => {
                self.trial_permits = self.config.permitted_number_of_calls_in_half_open_state.max(1);
                self.open_count_window(self.trial_permits);
            }
            State::Closed | State::Disabled | State::ForcedOpen | State::MetricsOnly => {
                self.open_window(self.config.sliding_window_size);
            }
        }
    }

    fn open_window(&mut self, size: u32) {
        let size = size.max(1);
        match self.config.sliding_window_type {
            WindowType::CountBased => self.open_count_window(size),
            WindowType::TimeBased => {
                self.start(Window::Time(TimeWindow::new(size)), self.config.minimum_number_of_calls.max(1));
            }
        }
    }

    fn open_count_window(&mut self, size: u32) {
        let size = size.max(1);
        self.start(Window::Count(CountWindow::new(size)), self.config.minimum_number_of_calls.clamp(1, size));
    }

    fn start(&mut self, window: Window, minimum: u32) {
        self.window = window;
        self.window_id = WindowId(self.window_id.0 + 1);
        self.minimum = minimum;
        self.not_permitted = 0;
        self.is_exceeded = false;
    }
}
