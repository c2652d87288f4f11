//! States that are set by hand, and reset.

use souk_resilience::{IllegalTransition, State};

use crate::rig::Rig;

#[test]
fn disabled_lets_all_pass_and_records_nothing() {
    let rig = Rig::small();
    rig.breaker.force(State::Disabled).unwrap();
    (0..10).for_each(|_| rig.call(200, false));
    let shown = rig.breaker.snapshot();
    assert_eq!((shown.state, shown.buffered_calls, shown.failure_rate), (State::Disabled, 0, -1.0));
}

#[test]
fn forced_open_denies_for_ever() {
    let rig = Rig::small();
    let late = rig.breaker.acquire().unwrap();
    rig.breaker.force(State::ForcedOpen).unwrap();
    rig.clock.advance_ms(1_000_000_000);
    let denied = rig.breaker.acquire().unwrap_err();
    assert_eq!(denied.state, State::ForcedOpen);
    assert!(!denied.retry_after.is_zero());
    late.failure();
    let shown = rig.breaker.snapshot();
    assert_eq!((shown.state, shown.buffered_calls, shown.not_permitted_calls), (State::ForcedOpen, 0, 1));
}

#[test]
fn metrics_only_records_and_never_opens() {
    let rig = Rig::small();
    rig.breaker.force(State::MetricsOnly).unwrap();
    (0..10).for_each(|_| rig.call(200, false));
    let shown = rig.breaker.snapshot();
    assert_eq!((shown.state, shown.failure_rate, shown.slow_call_rate), (State::MetricsOnly, 100.0, 100.0));
    assert!(!rig.is_denied());
}

#[test]
fn illegal_changes_are_refused_and_change_nothing() {
    let rig = Rig::small();
    rig.fail();
    let refused = IllegalTransition { from: State::Closed, to: State::HalfOpen };
    assert_eq!(rig.breaker.force(State::HalfOpen), Err(refused));
    assert_eq!(refused.to_string(), "a circuit breaker cannot go from CLOSED to HALF_OPEN");
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 1));

    rig.breaker.force(State::MetricsOnly).unwrap();
    for to in [State::Open, State::HalfOpen] {
        assert_eq!(rig.breaker.force(to), Err(IllegalTransition { from: State::MetricsOnly, to }));
    }
}

#[test]
fn opening_by_hand_counts_as_an_attempt_and_keeps_the_window() {
    let rig = Rig::small();
    rig.fail();
    rig.breaker.force(State::Open).unwrap();
    let shown = rig.breaker.snapshot();
    assert_eq!((shown.state, shown.attempt, shown.buffered_calls), (State::Open, 1, 1));
    rig.clock.advance_ms(900);
    rig.breaker.force(State::Open).unwrap();
    assert_eq!(rig.breaker.snapshot().attempt, 2);
    rig.clock.advance_ms(1_000);
    assert!(rig.is_denied(), "the wait began again");
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn half_open_by_hand_starts_the_trial_at_once() {
    let rig = Rig::opened();
    rig.breaker.force(State::HalfOpen).unwrap();
    let first: Vec<_> = (0..3).map(|_| rig.breaker.acquire().unwrap()).collect();
    assert!(rig.is_denied());
    rig.breaker.force(State::HalfOpen).unwrap();
    drop(first);
    let _second: Vec<_> = (0..3).map(|_| rig.breaker.acquire().unwrap()).collect();
    assert!(rig.is_denied(), "the first trial's permits are void");
    assert_eq!(rig.breaker.snapshot().attempt, 1);
}

#[test]
fn closing_a_closed_breaker_empties_its_window() {
    let rig = Rig::small();
    (0..3).for_each(|_| rig.fail());
    rig.breaker.force(State::Closed).unwrap();
    rig.fail();
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 1));
}

#[test]
fn reset_closes_from_every_state_and_forgets() {
    for state in [State::Open, State::HalfOpen, State::Disabled, State::ForcedOpen, State::MetricsOnly, State::Closed] {
        let rig = Rig::opened();
        assert!(rig.is_denied());
        rig.breaker.force(state).unwrap();
        rig.breaker.reset();
        let shown = rig.breaker.snapshot();
        assert_eq!((shown.state, shown.attempt), (State::Closed, 0), "{state}");
        assert_eq!((shown.buffered_calls, shown.not_permitted_calls), (0, 0), "{state}");
    }
}
