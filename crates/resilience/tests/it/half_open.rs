//! The state `HALF_OPEN`: trial calls, their permits and the transitions that end it.

use std::{thread, time::Duration};

use souk_resilience::{BreakerConfig, Permit, State, breaker::StateAfterWait};

use crate::rig::{Rig, small};

fn on_trial(config: BreakerConfig) -> Rig {
    let rig = Rig::opened_with(config);
    rig.wait_over();
    rig
}

fn take(rig: &Rig, count: usize) -> Vec<Permit> {
    (0..count).map(|_| rig.breaker.acquire().unwrap()).collect()
}

#[test]
fn the_first_call_takes_one_of_the_permits_and_at_zero_calls_are_denied() {
    let rig = on_trial(small());
    let permits = take(&rig, 3);
    assert_eq!(rig.state(), State::HalfOpen);
    let denied = rig.breaker.acquire().unwrap_err();
    assert_eq!((denied.state, denied.retry_after), (State::HalfOpen, Duration::from_secs(1)));
    assert_eq!(rig.breaker.snapshot().not_permitted_calls, 1);
    drop(permits);
}

#[test]
fn concurrent_calls_get_no_more_permits_than_configured() {
    let rig = on_trial(small());
    let passed: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(|| rig.breaker.acquire())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter_map(Result::ok).collect()
    });
    assert_eq!(passed.len(), 3);
}

#[test]
fn a_result_does_not_release_its_permit() {
    let rig = on_trial(small());
    let mut permits = take(&rig, 3);
    permits.pop().unwrap().success();
    assert_eq!(rig.state(), State::HalfOpen);
    assert!(rig.is_denied());
}

#[test]
fn ignored_and_dropped_calls_release_their_permits() {
    let rig = on_trial(small());
    for _ in 0..10 {
        let mut permits = take(&rig, 3);
        assert!(rig.is_denied());
        permits.pop().unwrap().ignore();
        drop(permits);
    }
    assert_eq!(rig.state(), State::HalfOpen);
    assert_eq!(rig.breaker.snapshot().buffered_calls, 0);
}

#[test]
fn the_trial_has_its_own_window() {
    let rig = on_trial(small());
    rig.ok();
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.buffered_calls, snapshot.failed_calls, snapshot.failure_rate), (1, 0, -1.0));
}

#[test]
fn good_results_close_it_with_an_empty_window() {
    let rig = on_trial(small());
    (0..2).for_each(|_| rig.ok());
    assert_eq!(rig.state(), State::HalfOpen);
    rig.ok();
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt, snapshot.buffered_calls), (State::Closed, 0, 0));
    assert_eq!(snapshot.not_permitted_calls, 0);
}

#[test]
fn bad_results_open_it_for_another_attempt() {
    let rig = on_trial(small());
    rig.ok();
    rig.fail();
    rig.fail();
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt), (State::Open, 2));
    assert_eq!((snapshot.buffered_calls, snapshot.failed_calls), (3, 2), "the trial's window");
    rig.clock.advance_ms(1_000);
    assert!(rig.is_denied());
    rig.clock.advance_ms(1);
    assert!(!rig.is_denied());
}

#[test]
fn slow_results_open_it_too() {
    let rig = on_trial(small());
    (0..3).for_each(|_| rig.call(101, true));
    assert_eq!(rig.state(), State::Open);
}

#[test]
fn a_failure_rate_below_the_threshold_closes_it() {
    let rig = on_trial(small());
    rig.ok();
    rig.fail();
    rig.ok();
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn the_minimum_decides_before_all_permits_are_used() {
    let rig = on_trial(BreakerConfig {
        minimum_number_of_calls: 2,
        permitted_number_of_calls_in_half_open_state: 5,
        ..small()
    });
    rig.ok();
    assert_eq!(rig.state(), State::HalfOpen);
    rig.ok();
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn results_from_before_the_trial_do_not_decide_it() {
    let rig = Rig::small();
    let stale = take(&rig, 6);
    (0..4).for_each(|_| rig.fail());
    rig.wait_over();
    let trial = rig.breaker.acquire().unwrap();
    for (number, permit) in stale.into_iter().enumerate() {
        if number % 2 == 0 { permit.failure("it failed") } else { permit.ignore() }
    }
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::HalfOpen, 0));
    let rest = take(&rig, 2);
    assert!(rig.is_denied(), "permits of other windows are not released here");
    trial.success();
    rest.into_iter().for_each(Permit::success);
    assert_eq!(rig.state(), State::Closed);
}

#[test]
fn late_trial_results_do_not_count_in_the_next_window() {
    let rig = on_trial(BreakerConfig { minimum_number_of_calls: 1, ..small() });
    let mut permits = take(&rig, 3);
    permits.pop().unwrap().success();
    assert_eq!(rig.state(), State::Closed);
    for permit in permits {
        permit.failure("it failed");
    }
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 0));
}

#[test]
fn without_a_maximum_the_trial_lasts_indefinitely() {
    let rig = on_trial(small());
    let _permits = take(&rig, 3);
    rig.clock.advance_ms(1_000_000_000);
    assert!(rig.is_denied());
    assert_eq!(rig.state(), State::HalfOpen);
}

#[test]
fn a_trial_that_lasts_too_long_ends_open() {
    let max_wait = Duration::from_millis(500);
    let rig = on_trial(BreakerConfig { max_wait_duration_in_half_open_state: max_wait, ..small() });
    let permits = take(&rig, 3);
    rig.clock.advance_ms(499);
    assert_eq!(rig.state(), State::HalfOpen);
    rig.clock.advance_ms(1);
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt), (State::Open, 2));
    permits.into_iter().for_each(Permit::success);
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered_calls), (State::Open, 3), "late results");
}

#[test]
fn the_wait_after_such_a_trial_starts_at_its_end_even_without_a_call() {
    let max_wait = Duration::from_millis(500);
    let rig = on_trial(BreakerConfig { max_wait_duration_in_half_open_state: max_wait, ..small() });
    let _hanging = take(&rig, 3);
    rig.clock.advance_ms(1_500);
    assert!(rig.is_denied());
    rig.clock.advance_ms(1);
    let _next_trial = rig.breaker.acquire().unwrap();
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt), (State::HalfOpen, 2));
}

#[test]
fn a_trial_that_lasts_too_long_may_end_closed() {
    let rig = on_trial(BreakerConfig {
        max_wait_duration_in_half_open_state: Duration::from_millis(500),
        transition_to_state_after_wait_duration: StateAfterWait::Closed,
        ..small()
    });
    let _hanging = take(&rig, 3);
    rig.clock.advance_ms(500);
    assert!(!rig.is_denied());
    assert_eq!(rig.state(), State::Closed);
}
