//! The events of a breaker, and its window of seconds.

use souk_resilience::{BreakerConfig, EventKind, State, breaker::WindowType};

use crate::rig::{Rig, small};

fn names(rig: &Rig) -> Vec<&'static str> {
    rig.breaker.events().iter().map(|event| event.kind.name()).collect()
}

#[test]
fn events_say_in_order_what_happened() {
    let rig = Rig::small();
    rig.call(7, true);
    rig.breaker.acquire().unwrap().ignore();
    (0..3).for_each(|_| rig.call(5, false));
    assert!(rig.is_denied());
    rig.wait_over();
    (0..3).for_each(|_| rig.ok());
    rig.breaker.reset();
    let (success, error, transition) = ("SUCCESS", "ERROR", "STATE_TRANSITION");
    let opens = [success, "IGNORED_ERROR", error, error, error, "FAILURE_RATE_EXCEEDED", transition, "NOT_PERMITTED"];
    let closes = [transition, success, success, success, transition, "RESET", transition];
    assert_eq!(names(&rig), [&opens[..], &closes].concat());
    let events = rig.breaker.events();
    let EventKind::Error { took, cause } = &events[2].kind else { panic!("{:?}", events[2]) };
    assert_eq!((took.as_millis(), &**cause), (5, "it failed"));
    assert_eq!(events[5].kind, EventKind::FailureRateExceeded { rate: 75.0 });
    assert_eq!(events[6].kind, EventKind::StateTransition { from: State::Closed, to: State::Open });
    assert_eq!(events[8].at.since(events[7].at).as_millis(), 1_001);
}

#[test]
fn the_last_hundred_events_are_kept() {
    let rig = Rig::small();
    (0..150).for_each(|_| rig.call(1, true));
    let events = rig.breaker.events();
    assert_eq!(events.len(), 100);
    assert_eq!(events[99].at.since(events[0].at).as_millis(), 99);
}

#[test]
fn a_disabled_and_a_forced_open_breaker_report_nothing_but_changes_of_state() {
    for state in [State::Disabled, State::ForcedOpen] {
        let rig = Rig::small();
        rig.breaker.transition_to(state).unwrap();
        if state == State::Disabled {
            rig.fail();
        } else {
            assert!(rig.is_denied());
        }
        assert_eq!(names(&rig), ["STATE_TRANSITION"]);
    }
}

#[test]
fn metrics_only_reports_once_that_it_would_have_opened() {
    let rig = Rig::small();
    rig.breaker.transition_to(State::MetricsOnly).unwrap();
    (0..10).for_each(|_| rig.fail());
    assert_eq!(names(&rig).iter().filter(|name| **name == "FAILURE_RATE_EXCEEDED").count(), 1);
}

#[test]
fn slow_calls_open_it_under_their_own_name() {
    let rig = Rig::small();
    (0..4).for_each(|_| rig.call(101, true));
    assert_eq!(rig.state(), State::Open);
    assert!(names(&rig).contains(&"SLOW_CALL_RATE_EXCEEDED"));
}

#[test]
fn a_window_of_seconds_forgets_calls_by_their_age() {
    let config = BreakerConfig { sliding_window_type: WindowType::TimeBased, sliding_window_size: 2, ..small() };
    let rig = Rig::new(config);
    (0..3).for_each(|_| rig.fail());
    rig.clock.advance_ms(2_000);
    rig.fail();
    assert_eq!((rig.state(), rig.breaker.snapshot().buffered_calls), (State::Closed, 1));
    (0..3).for_each(|_| rig.fail());
    assert_eq!(rig.state(), State::Open);
    rig.clock.advance_ms(900);
    assert_eq!(rig.breaker.snapshot().buffered_calls, 4, "the calls that opened it are shown");
}

#[test]
fn a_wait_may_end_without_a_call() {
    let config = BreakerConfig { automatic_transition_from_open_to_half_open_enabled: true, ..small() };
    let rig = Rig::opened_with(config);
    rig.clock.advance_ms(1_000);
    assert_eq!(rig.state(), State::Open);
    rig.clock.advance_ms(1);
    assert_eq!(rig.state(), State::HalfOpen);
}
