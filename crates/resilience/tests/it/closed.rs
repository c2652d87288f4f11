//! The state CLOSED: the window, the minimum number of calls and the thresholds.

use std::thread;

use souk_resilience::{BreakerConfig, State};

use crate::rig::{Rig, small};

#[test]
fn rates_are_not_evaluated_below_the_minimum() {
    let rig = Rig::new(BreakerConfig { sliding_window_size: 10, ..small() });
    (0..3).for_each(|_| rig.fail());
    assert_eq!(rig.rates(), (-1.0, -1.0));
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.buffered_calls, snapshot.failed_calls), (3, 3));
    assert_eq!(rig.state(), State::Closed);
    rig.fail();
    assert_eq!(rig.state(), State::Open);
}

#[test]
fn the_minimum_is_at_most_the_window() {
    let rig = Rig::new(BreakerConfig { minimum_number_of_calls: 100, ..small() });
    (0..3).for_each(|_| rig.fail());
    assert_eq!(rig.state(), State::Closed);
    rig.fail();
    assert_eq!(rig.state(), State::Open);
}

#[test]
fn the_failure_threshold_is_inclusive() {
    let rig = Rig::small();
    rig.ok();
    rig.ok();
    rig.fail();
    rig.fail();
    assert_eq!(rig.rates(), (50.0, 0.0));
    assert_eq!(rig.state(), State::Open);

    let above = Rig::new(BreakerConfig { failure_rate_threshold: 50.1, ..small() });
    above.ok();
    above.ok();
    above.fail();
    above.fail();
    assert_eq!(above.state(), State::Closed);
}

#[test]
fn the_oldest_result_leaves_the_window() {
    let rig = Rig::small();
    rig.fail();
    (0..3).for_each(|_| rig.ok());
    assert_eq!(rig.rates(), (25.0, 0.0));
    rig.clock.advance_ms(1_000_000_000);
    assert_eq!(rig.rates(), (25.0, 0.0), "time clears nothing");
    rig.ok();
    assert_eq!(rig.rates(), (0.0, 0.0));
}

#[test]
fn slow_is_strictly_longer_than_the_threshold() {
    let rig = Rig::small();
    rig.call(100, true);
    assert_eq!(rig.breaker.snapshot().slow_calls, 0);
    rig.call(101, true);
    assert_eq!(rig.breaker.snapshot().slow_calls, 1);
}

#[test]
fn a_call_may_be_failed_and_slow() {
    let rig = Rig::small();
    rig.call(101, false);
    rig.call(101, true);
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.failed_calls, snapshot.slow_calls, snapshot.slow_failed_calls), (1, 2, 1));
}

#[test]
fn slow_successes_alone_open_it() {
    let rig = Rig::new(BreakerConfig { slow_call_rate_threshold: 75.0, ..small() });
    rig.ok();
    (0..2).for_each(|_| rig.call(101, true));
    assert_eq!(rig.state(), State::Closed);
    rig.call(101, true);
    assert_eq!(rig.state(), State::Open);
    assert_eq!(rig.rates(), (0.0, 75.0));
}

#[test]
fn ignored_and_dropped_calls_are_not_counted() {
    let rig = Rig::small();
    for _ in 0..10 {
        rig.breaker.acquire().unwrap().ignore();
        drop(rig.breaker.acquire().unwrap());
    }
    assert_eq!(rig.breaker.snapshot().buffered_calls, 0);
}

#[test]
fn it_opens_once_however_many_calls_fail_at_the_same_time() {
    let rig = Rig::small();
    let permits: Vec<_> = (0..64).map(|_| rig.breaker.acquire().unwrap()).collect();
    thread::scope(|scope| {
        for permit in permits {
            scope.spawn(|| permit.failure("it failed"));
        }
    });
    let snapshot = rig.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.attempt), (State::Open, 1));
}
