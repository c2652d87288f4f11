//! In any sequence of events a breaker permits no more trial calls than configured and never gets stuck.

use proptest::prelude::*;
use souk_resilience::{Permit, State};

use crate::rig::Rig;

#[derive(Debug, Clone)]
enum Act {
    Acquire,
    Succeed(usize),
    Fail(usize),
    Ignore(usize),
    Drop(usize),
    Advance(i64),
    TransitionTo(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => Just(Act::Acquire),
        2 => any::<usize>().prop_map(Act::Succeed),
        4 => any::<usize>().prop_map(Act::Fail),
        1 => any::<usize>().prop_map(Act::Ignore),
        1 => any::<usize>().prop_map(Act::Drop),
        3 => (0_i64..800).prop_map(Act::Advance),
        1 => (0..State::ALL.len()).prop_map(Act::TransitionTo),
    ]
}

fn pick(permits: &mut Vec<Permit>, index: usize) -> Option<Permit> {
    (!permits.is_empty()).then(|| permits.swap_remove(index % permits.len()))
}

proptest! {
    #[test]
    fn a_breaker_never_hangs(acts in prop::collection::vec(act(), 0..200)) {
        let rig = Rig::small();
        let mut permits = Vec::new();
        for act in acts {
            let trial_had_begun = rig.state() == State::HalfOpen;
            match act {
                Act::Acquire => permits.extend(rig.breaker.acquire()),
                Act::Succeed(index) => pick(&mut permits, index).into_iter().for_each(Permit::success),
                Act::Fail(index) => pick(&mut permits, index).into_iter().for_each(|permit| permit.failure("it failed")),
                Act::Ignore(index) => pick(&mut permits, index).into_iter().for_each(Permit::ignore),
                Act::Drop(index) => drop(pick(&mut permits, index)),
                Act::Advance(millis) => rig.clock.advance_ms(millis),
                Act::TransitionTo(index) => drop(rig.breaker.transition_to(State::ALL[index])),
            }
            let shown = rig.breaker.snapshot();
            prop_assert!(shown.failed_calls <= shown.buffered_calls && shown.buffered_calls <= 4);
            if trial_had_begun && shown.state == State::HalfOpen {
                prop_assert!(shown.buffered_calls < 3, "three results decide");
            }
        }
        if rig.state() == State::ForcedOpen {
            return Ok(());
        }
        // Once every call has ended and the target is healthy, the breaker closes after a few waits.
        permits.clear();
        for _ in 0..3 {
            rig.wait_over();
            (0..4).filter_map(|_| rig.breaker.acquire().ok()).for_each(Permit::success);
        }
        prop_assert!(matches!(rig.state(), State::Closed | State::Disabled | State::MetricsOnly), "{:?}", rig.breaker.snapshot());
        prop_assert_eq!(rig.breaker.snapshot().failed_calls, 0);
    }
}
