//! Transitions requested by an operator, and reset.

use souk_resilience::{IllegalTransition, State};

use crate::rig::Rig;

#[test]
fn disabled_permits_all_calls_and_records_none() {
    let rig = Rig::small();
    rig.breaker.transition_to(State::Disabled).unwrap();
    (0..10).for_each(|_| rig.call(200, false));
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered_calls, snapshot.failure_rate), (State::Disabled, 0, -1.0));
}

#[test]
fn forced_open_denies_calls_indefinitely() {
    let rig = Rig::small();
    let late = rig.breaker.acquire().unwrap();
    rig.breaker.transition_to(State::ForcedOpen).unwrap();
    rig.clock.advance_ms(1_000_000_000);
    let denied = rig.breaker.acquire().unwrap_err();
    assert_eq!(denied.state, State::ForcedOpen);
    assert!(!denied.retry_after.is_zero());
    late.failure("it failed");
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered_calls, snapshot.not_permitted_calls), (State::ForcedOpen, 0, 1));
}

#[test]
fn metrics_only_records_and_never_opens() {
    let rig = Rig::small();
    rig.breaker.transition_to(State::MetricsOnly).unwrap();
    (0..10).for_each(|_| rig.call(200, false));
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.failure_rate, snapshot.slow_call_rate), (State::MetricsOnly, 100.0, 100.0));
    assert!(!rig.is_denied());
}

#[test]
fn illegal_transitions_are_rejected_and_change_nothing() {
    let rig = Rig::small();
    rig.fail();
    let illegal = IllegalTransition { from: State::Closed, to: State::HalfOpen };
    assert_eq!(rig.breaker.transition_to(State::HalfOpen), Err(illegal));
    assert_eq!(illegal.to_string(), "a circuit breaker cannot go from CLOSED to HALF_OPEN");
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 1));

    rig.breaker.transition_to(State::MetricsOnly).unwrap();
    for to in [State::Open, State::HalfOpen] {
        assert_eq!(rig.breaker.transition_to(to), Err(IllegalTransition { from: State::MetricsOnly, to }));
    }
}

#[test]
fn opening_by_hand_counts_as_an_attempt_and_keeps_the_window() {
    let rig = Rig::small();
    rig.fail();
    rig.breaker.transition_to(State::Open).unwrap();
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt, snapshot.buffered_calls), (State::Open, 1, 1));
    rig.clock.advance_ms(900);
    rig.breaker.transition_to(State::Open).unwrap();
    assert_eq!(rig.breaker.snapshot().attempt, 2);
    rig.clock.advance_ms(1_000);
    assert!(rig.is_denied(), "the wait restarted");
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn half_open_by_hand_starts_the_trial_immediately() {
    let rig = Rig::opened();
    rig.breaker.transition_to(State::HalfOpen).unwrap();
    let first: Vec<_> = (0..3).map(|_| rig.breaker.acquire().unwrap()).collect();
    assert!(rig.is_denied());
    rig.breaker.transition_to(State::HalfOpen).unwrap();
    drop(first);
    let _second: Vec<_> = (0..3).map(|_| rig.breaker.acquire().unwrap()).collect();
    assert!(rig.is_denied(), "the first trial's permits are void");
    assert_eq!(rig.breaker.snapshot().attempt, 1);
}

#[test]
fn closing_a_closed_breaker_empties_its_window() {
    let rig = Rig::small();
    (0..3).for_each(|_| rig.fail());
    rig.breaker.transition_to(State::Closed).unwrap();
    rig.fail();
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 1));
}

#[test]
fn reset_closes_from_every_state_and_clears_the_counts() {
    for state in [State::Open, State::HalfOpen, State::Disabled, State::ForcedOpen, State::MetricsOnly, State::Closed] {
        let rig = Rig::opened();
        assert!(rig.is_denied());
        rig.breaker.transition_to(state).unwrap();
        rig.breaker.reset();
        let snapshot = rig.breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.attempt), (State::Closed, 0), "{state}");
        assert_eq!((snapshot.buffered_calls, snapshot.not_permitted_calls), (0, 0), "{state}");
    }
}
