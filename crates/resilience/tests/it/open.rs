//! The state OPEN: the wait, and the window that stays visible meanwhile.

use std::time::Duration;

use souk_resilience::{BreakerConfig, NotPermitted, State};

use crate::rig::{Rig, small};

#[test]
fn calls_are_denied_and_counted() {
    let rig = Rig::opened();
    assert!(rig.is_denied());
    assert!(rig.is_denied());
    assert_eq!(rig.breaker.snapshot().not_permitted_calls, 2);
}

#[test]
fn it_permits_a_call_strictly_after_the_wait() {
    let rig = Rig::opened();
    rig.clock.advance_ms(1_000);
    assert!(rig.is_denied());
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn a_denied_call_gets_a_retry_after() {
    let rig = Rig::opened();
    rig.clock.advance_ms(400);
    let denied = rig.breaker.acquire().unwrap_err();
    let retry_after = Duration::from_millis(601);
    assert_eq!(denied, NotPermitted { name: "product".into(), state: State::Open, retry_after });
    assert_eq!(denied.to_string(), "circuit breaker product is OPEN and permits no call");
    rig.clock.advance_ms(600);
    assert!(rig.is_denied());
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn it_stays_open_until_a_call_comes() {
    let rig = Rig::opened();
    rig.clock.advance_ms(1_000_000);
    assert_eq!(rig.state(), State::Open);
    let _permit = rig.breaker.acquire().unwrap();
    assert_eq!(rig.state(), State::HalfOpen);
}

#[test]
fn it_keeps_the_window_that_opened_it() {
    let rig = Rig::opened();
    rig.clock.advance_ms(500);
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.failure_rate, snapshot.buffered_calls, snapshot.failed_calls), (100.0, 4, 4));
}

#[test]
fn late_results_are_recorded_and_change_no_state() {
    let rig = Rig::small();
    let late: Vec<_> = (0..4).map(|_| rig.breaker.acquire().unwrap()).collect();
    (0..4).for_each(|_| rig.fail());
    late.into_iter().for_each(souk_resilience::Permit::success);
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt), (State::Open, 1));
    assert_eq!((snapshot.failure_rate, snapshot.failed_calls), (0.0, 0));
}

#[test]
fn late_failures_do_not_open_it_again() {
    let rig = Rig::small();
    let late: Vec<_> = (0..4).map(|_| rig.breaker.acquire().unwrap()).collect();
    (0..4).for_each(|_| rig.fail());
    rig.clock.advance_ms(900);
    for permit in late {
        permit.failure("it failed");
    }
    assert_eq!(rig.breaker.snapshot().attempt, 1);
    rig.clock.advance_ms(101);
    assert!(!rig.is_denied(), "the wait did not start again");
}

#[test]
fn the_wait_grows_with_each_attempt_if_configured() {
    let rig = Rig::opened_with(BreakerConfig { exponential_backoff_multiplier: 2.0, ..small() });
    rig.wait_over();
    (0..3).for_each(|_| rig.fail());
    assert_eq!((rig.state(), rig.breaker.snapshot().attempt), (State::Open, 2));
    rig.clock.advance_ms(2_000);
    assert!(rig.is_denied());
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn a_clock_that_is_set_back_does_not_prolong_the_wait() {
    let rig = Rig::opened();
    rig.clock.advance_ms(-3_600_000);
    assert!(rig.is_denied());
    rig.wait_over();
    assert!(!rig.is_denied());
}
