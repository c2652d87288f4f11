//! The breaker beside a model of its rules in plain lists, over random sequences of calls, pauses and requests of operators.

use std::time::Duration;

use proptest::prelude::*;
use souk_resilience::{
    Breaker, BreakerConfig, Permit, State,
    breaker::{StateAfterWait, WindowType},
};

use crate::rig::StillClock;

#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    /// Ends one of the calls in progress.
    Finish(prop::sample::Index, End),
    Pause(i64),
    TransitionTo(State),
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Success,
    Failure,
    Ignored,
    /// The caller went away.
    Dropped,
}

/// The rules once more: each call of a window is kept, and everything is counted again whenever it is needed.
struct Model {
    config: BreakerConfig,
    now: i64,
    state: State,
    since: i64,
    attempt: u32,
    /// Number of the window, and its calls: when they ended, whether they failed, whether they were slow.
    window: u32,
    calls: Vec<(i64, bool, bool)>,
    /// True for the window of a trial, which an open breaker keeps.
    is_trial: bool,
    /// Permits that were given and not given back.
    permits: u32,
    denied: u64,
}

impl Model {
    fn new(config: BreakerConfig, now: i64) -> Self {
        let (state, calls) = (State::Closed, Vec::new());
        Self { config, now, state, since: now, attempt: 0, window: 0, calls, is_trial: false, permits: 0, denied: 0 }
    }

    fn go(&mut self, next: State, at: i64) {
        self.state = next;
        self.since = at;
        match next {
            State::Open | State::ForcedOpen => self.attempt += 1,
            State::HalfOpen => {}
            _ => self.attempt = 0,
        }
        if next != State::Open {
            self.window += 1;
            self.calls.clear();
            (self.permits, self.denied) = (0, 0);
            self.is_trial = next == State::HalfOpen;
        }
    }

    fn wait(&self) -> i64 {
        let growth = self.config.exponential_backoff_multiplier.powi(i32::try_from(self.attempt).unwrap() - 1);
        let longest = self.config.exponential_max_wait_duration_in_open_state.as_secs_f64();
        let wait = (self.config.wait_duration_in_open_state.as_secs_f64() * growth).min(longest);
        i64::try_from(Duration::from_secs_f64(wait).as_millis()).unwrap()
    }

    fn look(&mut self) {
        let longest = i64::try_from(self.config.max_wait_duration_in_half_open_state.as_millis()).unwrap();
        if self.state == State::HalfOpen && longest > 0 && self.now >= self.since + longest {
            let next = match self.config.transition_to_state_after_wait_duration {
                StateAfterWait::Open => State::Open,
                StateAfterWait::Closed => State::Closed,
            };
            self.go(next, self.since + longest);
        }
        let is_automatic = self.config.automatic_transition_from_open_to_half_open_enabled;
        if is_automatic && self.state == State::Open && self.now > self.since + self.wait() {
            self.go(State::HalfOpen, self.now);
        }
    }

    /// Returns the window of a permitted call, and its start.
    fn acquire(&mut self) -> Option<(u32, i64)> {
        self.look();
        if self.state == State::Open && self.now > self.since + self.wait() {
            self.go(State::HalfOpen, self.now);
        }
        let is_permitted = match self.state {
            State::Closed | State::Disabled | State::MetricsOnly => true,
            State::HalfOpen => self.permits < self.config.permitted_number_of_calls_in_half_open_state,
            State::Open | State::ForcedOpen => false,
        };
        if !is_permitted {
            self.denied += 1;
            return None;
        }
        self.permits += 1;
        Some((self.window, self.now))
    }

    fn finish(&mut self, (window, started): (u32, i64), end: End) {
        self.look();
        if window != self.window {
            return;
        }
        if matches!(end, End::Ignored | End::Dropped) {
            self.permits -= 1;
            return;
        }
        if matches!(self.state, State::Disabled | State::ForcedOpen) {
            return;
        }
        let slowest = i64::try_from(self.config.slow_call_duration_threshold.as_millis()).unwrap();
        self.calls.push((self.now, end == End::Failure, self.now - started > slowest));
        let (_, failed, slow) = self.rates();
        let is_over = failed >= self.config.failure_rate_threshold || slow >= self.config.slow_call_rate_threshold;
        match self.state {
            State::Closed | State::HalfOpen if is_over => self.go(State::Open, self.now),
            State::HalfOpen if failed >= 0.0 => self.go(State::Closed, self.now),
            _ => {}
        }
    }

    /// Number of calls in the window, and the shares of failed and of slow ones; -1 below the minimum.
    fn rates(&self) -> (usize, f64, f64) {
        let trial = self.config.permitted_number_of_calls_in_half_open_state;
        let size = if self.is_trial { trial } else { self.config.sliding_window_size };
        let is_timed = !self.is_trial && self.config.sliding_window_type == WindowType::TimeBased;
        let calls: Vec<_> = if is_timed {
            let after = self.now.div_euclid(1_000) - i64::from(size);
            self.calls.iter().filter(|(at, ..)| at.div_euclid(1_000) > after).collect()
        } else {
            self.calls.iter().rev().take(usize::try_from(size).unwrap()).collect()
        };
        let minimum = self.config.minimum_number_of_calls;
        let minimum = if is_timed { minimum } else { minimum.min(size) };
        let total = u32::try_from(calls.len()).unwrap();
        let share = |part: usize| {
            if total < minimum { -1.0 } else { f64::from(u32::try_from(part).unwrap()) * 100.0 / f64::from(total) }
        };
        let failed = calls.iter().filter(|(_, failed, _)| *failed).count();
        let slow = calls.iter().filter(|(.., slow)| *slow).count();
        (calls.len(), share(failed), share(slow))
    }
}

fn config() -> impl Strategy<Value = BreakerConfig> {
    let sizes = (1_u32..6, 1_u32..8, 1_u32..5);
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (sizes, kinds, 1_u32..=100, 1_u32..=100, 0_u64..4).prop_map(|(sizes, kinds, failure, slow, longest)| {
        BreakerConfig {
            failure_rate_threshold: f64::from(failure),
            slow_call_rate_threshold: f64::from(slow),
            slow_call_duration_threshold: Duration::from_millis(300),
            minimum_number_of_calls: sizes.0,
            sliding_window_size: sizes.1,
            permitted_number_of_calls_in_half_open_state: sizes.2,
            sliding_window_type: if kinds.0 { WindowType::TimeBased } else { WindowType::CountBased },
            exponential_backoff_multiplier: if kinds.1 { 2.0 } else { 1.0 },
            exponential_max_wait_duration_in_open_state: Duration::from_secs(5),
            automatic_transition_from_open_to_half_open_enabled: kinds.2,
            transition_to_state_after_wait_duration: if kinds.3 {
                StateAfterWait::Open
            } else {
                StateAfterWait::Closed
            },
            wait_duration_in_open_state: Duration::from_secs(1),
            max_wait_duration_in_half_open_state: Duration::from_secs(longest),
        }
    })
}

fn act() -> impl Strategy<Value = Act> {
    let end = prop::sample::select(vec![End::Success, End::Failure, End::Failure, End::Ignored, End::Dropped]);
    prop_oneof![
        6 => Just(Act::Acquire),
        6 => (any::<prop::sample::Index>(), end).prop_map(|(index, end)| Act::Finish(index, end)),
        2 => (0_i64..1_500).prop_map(Act::Pause),
        // To the millisecond at which something is due.
        2 => prop::sample::select(vec![300, 301, 1_000, 1_001, 2_000]).prop_map(Act::Pause),
        1 => prop::sample::select(State::ALL.to_vec()).prop_map(Act::TransitionTo),
        1 => Just(Act::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_does_what_the_model_does(config in config(), acts in prop::collection::vec(act(), 1..80)) {
        let clock = StillClock::new();
        let mut model = Model::new(config.clone(), clock.millis());
        let breaker = Breaker::new("order", "product", config, clock.clone());
        let mut calls: Vec<(Permit, (u32, i64))> = Vec::new();
        for act in acts {
            match act {
                Act::Acquire => match (breaker.acquire(), model.acquire()) {
                    (Ok(permit), Some(call)) => calls.push((permit, call)),
                    (Err(denied), None) => prop_assert!(!denied.retry_after.is_zero()),
                    (real, modelled) => prop_assert!(false, "{real:?} beside {modelled:?} in {}", model.state),
                },
                Act::Finish(_, _) if calls.is_empty() => {}
                Act::Finish(index, end) => {
                    let (permit, call) = calls.swap_remove(index.index(calls.len()));
                    model.finish(call, end);
                    match end {
                        End::Success => permit.success(),
                        End::Failure => permit.failure("it failed"),
                        End::Ignored => permit.ignore(),
                        End::Dropped => drop(permit),
                    }
                }
                Act::Pause(millis) => {
                    clock.advance_ms(millis);
                    model.now += millis;
                }
                Act::TransitionTo(next) => {
                    model.look();
                    let is_legal = model.state.can_transition_to(next);
                    prop_assert_eq!(breaker.transition_to(next).is_ok(), is_legal);
                    if is_legal {
                        model.go(next, model.now);
                    }
                }
                Act::Reset => {
                    breaker.reset();
                    model.look();
                    model.go(State::Closed, model.now);
                }
            }
            model.look();
            let seen = breaker.snapshot();
            let (buffered, failed, slow) = model.rates();
            prop_assert_eq!((seen.state, seen.attempt), (model.state, model.attempt), "after {:?}", act);
            prop_assert_eq!(usize::try_from(seen.buffered_calls).unwrap(), buffered, "after {:?}", act);
            prop_assert_eq!((seen.failure_rate, seen.slow_call_rate), (failed, slow), "after {:?}", act);
            prop_assert_eq!(seen.not_permitted_calls, model.denied, "after {:?}", act);
        }
    }
}
