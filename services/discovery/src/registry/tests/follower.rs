//! Clients that follow the registry by deltas end with the same instances as a full fetch.

use std::collections::BTreeMap;

use proptest::prelude::*;
use souk_eureka::{LeaseInfo, hash_code};

use super::*;

/// The copy of a client, which starts with a full fetch and then applies deltas.
#[derive(Default)]
struct Follower(BTreeMap<(String, String), InstanceInfo>);

impl Follower {
    fn of(all: Applications) -> Self {
        let mut follower = Self::default();
        follower.apply(all);
        follower
    }

    fn apply(&mut self, delta: Applications) {
        for info in delta.applications.into_iter().flat_map(|application| application.instances) {
            let key = (info.app.clone(), info.instance_id.clone());
            if info.action_type == Some(ActionType::Deleted) {
                self.0.remove(&key);
            } else {
                self.0.insert(key, info);
            }
        }
    }

    /// Returns the instances without their leases, which heartbeats change.
    fn instances(&self) -> Vec<InstanceInfo> {
        self.0.values().map(|info| InstanceInfo { lease: LeaseInfo::default(), ..info.clone() }).collect()
    }
}

/// A step of a random history. Instances are numbered; times are seconds.
#[derive(Debug, Clone)]
enum Step {
    Register(u8, InstanceStatus),
    Cancel(u8),
    Heartbeat(u8, i64),
    SetStatus(u8, InstanceStatus),
    DeleteOverride(u8, InstanceStatus),
    Evict,
    Wait(i64),
    Follow,
}

fn steps() -> impl Strategy<Value = Step> {
    let statuses = prop_oneof![Just(Up), Just(Down), Just(Starting), Just(OutOfService), Just(Unknown)];
    prop_oneof![
        4 => (0_u8..6, statuses.clone()).prop_map(|(number, status)| Step::Register(number, status)),
        2 => (0_u8..6).prop_map(Step::Cancel),
        3 => (0_u8..6, 0_i64..3).prop_map(|(number, dirty)| Step::Heartbeat(number, dirty)),
        2 => (0_u8..6, statuses.clone()).prop_map(|(number, status)| Step::SetStatus(number, status)),
        2 => (0_u8..6, statuses).prop_map(|(number, status)| Step::DeleteOverride(number, status)),
        1 => Just(Step::Evict),
        3 => (1_i64..60).prop_map(Step::Wait),
        3 => Just(Step::Follow),
    ]
}

/// Returns the application of an instance.
fn app(number: u8) -> &'static str {
    if number.is_multiple_of(2) { "SHOP" } else { "ORDER" }
}

fn apply(registry: &mut Registry, step: &Step, now: i64) {
    let ids = ["0", "1", "2", "3", "4", "5"];
    let key = |number: u8| InstanceKey { app: app(number), id: ids[usize::from(number)] };
    let now_at = at(now);
    match *step {
        Step::Register(number, status) => {
            let info = InstanceInfo { app: app(number).to_owned(), ..instance(key(number).id, status, now) };
            registry.register(info, Client, now_at).unwrap();
        }
        Step::Cancel(number) => {
            registry.cancel(key(number), now_at);
        }
        Step::Heartbeat(number, dirty) => {
            let heartbeat = Heartbeat { last_dirty_at: Some(now + dirty), overridden: Some(OutOfService) };
            registry.renew(key(number), heartbeat, Peer, now_at);
        }
        Step::SetStatus(number, status) => {
            registry.set_status(key(number), update(status), now_at);
        }
        Step::DeleteOverride(number, status) => {
            registry.delete_override(key(number), update(status), now_at);
        }
        Step::Evict => {
            registry.evict(now_at, Duration::ZERO, |_| 0);
        }
        Step::Wait(_) | Step::Follow => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_client_that_applies_deltas_holds_the_whole_registry(history in prop::collection::vec(steps(), 1..120)) {
        let mut registry = Registry::new(Rules { self_preservation: false, ..RULES }, at(0));
        let mut follower = Follower::of(registry.all().applications());
        let mut followed_at = 0;
        let mut now = 0;
        for step in history.iter().chain([&Step::Follow]) {
            if let Step::Wait(seconds) = step {
                now += seconds;
            }
            apply(&mut registry, step, now);
            registry.expire_changes(at(now));
            // Clients fetch more often than changes expire.
            if matches!(step, Step::Follow) || now - followed_at > 100 {
                followed_at = now;
                let delta = registry.delta().applications();
                let expected_hash = delta.hash_code.clone();
                follower.apply(delta);
                let all = Follower::of(registry.all().applications());
                prop_assert_eq!(follower.instances(), all.instances());
                prop_assert_eq!(expected_hash, hash_code(follower.0.values()));
            }
        }
    }
}
