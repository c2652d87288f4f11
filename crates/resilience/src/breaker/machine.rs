//! The states and counts of a breaker, pure: time comes in, decisions come out.

use std::time::Duration;

use souk_values::Timestamp;

use super::{
    config::{AfterTrial, BreakerConfig, WindowType},
    state::{IllegalTransition, State},
    window::{Call, CountWindow, Totals, Window},
};

/// How long a call that finds no trial permit is told to wait. A guess: it depends on the calls on trial.
const TRIAL_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Names the window that a permit was given from. A result counts there or, once that window is
/// gone, nowhere: a slow answer from before the outage must not decide the trial after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowId(u64);

/// From which state to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transition {
    pub from: State,
    pub to: State,
}

enum Verdict {
    TooFewCalls,
    Below,
    Exceeded,
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
            transitions: Vec::new(),
        };
        machine.open_window(machine.config.sliding_window_size);
        machine
    }

    /// Lets a call pass, or says after how long it may be worth asking again.
    pub fn acquire(&mut self, now: Timestamp) -> Result<WindowId, Duration> {
        self.catch_up(now);
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
        Err(match self.state {
            State::Open => self.open_until().since(now) + Duration::from_millis(1),
            State::HalfOpen => TRIAL_RETRY_AFTER,
            _ => self.config.wait_duration_in_open_state,
        })
    }

    /// Records how a call went, and judges.
    pub fn record(&mut self, window_id: WindowId, failed: bool, took: Duration, now: Timestamp) {
        self.catch_up(now);
        if !self.state.records() || window_id != self.window_id {
            return;
        }
        self.window.record(Call { failed, slow: took > self.config.slow_call_duration_threshold });
        match (self.state, self.verdict()) {
            (State::Closed | State::HalfOpen, Verdict::Exceeded) => self.enter(State::Open, now),
            (State::HalfOpen, Verdict::Below) => self.enter(State::Closed, now),
            _ => {}
        }
    }

    /// Takes back the permit of a call that is not to be recorded.
    pub fn give_back(&mut self, window_id: WindowId, now: Timestamp) {
        self.catch_up(now);
        if self.state == State::HalfOpen && window_id == self.window_id {
            self.trial_permits += 1;
        }
    }

    pub fn force(&mut self, next: State, now: Timestamp) -> Result<(), IllegalTransition> {
        self.catch_up(now);
        if !self.state.may_become(next) {
            return Err(IllegalTransition { from: self.state, to: next });
        }
        self.enter(next, now);
        Ok(())
    }

    /// CLOSED with nothing recorded, from every state.
    pub fn reset(&mut self, now: Timestamp) {
        self.catch_up(now);
        self.enter(State::Closed, now);
    }

    /// Does what was due before `now`. No timer runs, so each act begins with this.
    pub fn catch_up(&mut self, now: Timestamp) {
        // A clock that was set back must not make a wait longer.
        self.since = self.since.min(now);
        let max_wait = self.config.max_wait_duration_in_half_open_state;
        let trial_ends = self.since.plus(max_wait);
        if self.state == State::HalfOpen && !max_wait.is_zero() && now >= trial_ends {
            let next = match self.config.transition_to_state_after_wait_duration {
                AfterTrial::Open => State::Open,
                AfterTrial::Closed => State::Closed,
            };
            self.enter(next, trial_ends);
        }
    }

    /// The changes since the last time this was asked.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    pub fn config(&self) -> &BreakerConfig {
        &self.config
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// How often in a row it opened; 0 while closed.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    pub fn totals(&self) -> Totals {
        self.window.totals()
    }

    pub fn not_permitted(&self) -> u64 {
        self.not_permitted
    }

    /// In percent; `None` below the minimum number of calls.
    pub fn failure_rate(&self) -> Option<f64> {
        self.percent(self.totals().failed)
    }

    /// In percent; `None` below the minimum number of calls.
    pub fn slow_call_rate(&self) -> Option<f64> {
        self.percent(self.totals().slow)
    }

    fn percent(&self, part: u32) -> Option<f64> {
        let calls = self.totals().calls;
        (calls >= self.minimum).then(|| f64::from(part) * 100.0 / f64::from(calls))
    }

    fn verdict(&self) -> Verdict {
        match (self.failure_rate(), self.slow_call_rate()) {
            (Some(failed), Some(slow))
                if failed >= self.config.failure_rate_threshold || slow >= self.config.slow_call_rate_threshold =>
            {
                Verdict::Exceeded
            }
            (Some(_), Some(_)) => Verdict::Below,
            _ => Verdict::TooFewCalls,
        }
    }

    fn open_until(&self) -> Timestamp {
        self.since.plus(self.config.wait_in_open(self.attempt))
    }

    fn enter(&mut self, next: State, now: Timestamp) {
        self.transitions.push(Transition { from: self.state, to: next });
        self.state = next;
        self.since = now;
        self.attempt = match next {
            State::Open | State::ForcedOpen => self.attempt.saturating_add(1),
            State::HalfOpen => self.attempt,
            State::Closed | State::Disabled | State::MetricsOnly => 0,
        };
        match next {
            // An open breaker shows what opened it, and late results of those calls.
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
        match self.config.sliding_window_type {
            WindowType::CountBased => self.open_count_window(size),
        }
    }

    fn open_count_window(&mut self, size: u32) {
        let size = size.max(1);
        self.window = Window::Count(CountWindow::new(size));
        self.window_id = WindowId(self.window_id.0 + 1);
        self.minimum = self.config.minimum_number_of_calls.clamp(1, size);
        self.not_permitted = 0;
    }
}
