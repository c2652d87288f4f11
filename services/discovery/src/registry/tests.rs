//! The rules, with a clock that is an argument, and clients that follow by deltas.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use serde_json::json;
use souk_eureka::{ActionType, Applications, InstanceInfo, InstanceStatus, hash_code};
use souk_values::Timestamp;

use super::*;
use InstanceStatus::{Down, OutOfService, Starting, Unknown, Up};
use Origin::{Client, Peer};

const RULES: Rules = Rules {
    preserves_itself: true,
    renewal_share: 0.85,
    renewal_interval_secs: 30,
    delta_retention: Duration::from_secs(180),
    max_instances: 100,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
}

fn registry() -> Registry {
    Registry::new(RULES, at(0))
}

fn instance(id: &str, status: InstanceStatus, dirty: i64) -> InstanceInfo {
    let body = json!({"instanceId": id, "app": "SHOP", "hostName": id, "ipAddr": "1.2.3.4", "vipAddress": "shop, b",
        "status": status.name(), "lastDirtyTimestamp": dirty, "dataCenterInfo": {"name": "MyOwn"}});
    InstanceInfo::from_json(&body, 0).unwrap()
}

fn register(registry: &mut Registry, id: &str, status: InstanceStatus, now: i64) {
    registry.register(instance(id, status, now), Client, at(now)).unwrap();
}

fn status(registry: &Registry, id: &str) -> InstanceStatus {
    registry.known("SHOP", id).unwrap().status
}

fn beat(registry: &mut Registry, id: &str, now: i64) -> Renewal {
    registry.renew(("SHOP", id), (None, None), Client, at(now))
}

fn is_renewed(renewal: &Renewal) -> bool {
    matches!(renewal, Renewal::Renewed(_))
}

#[test]
fn an_older_registration_renews_the_lease_but_changes_nothing() {
    let mut registry = registry();
    registry.register(instance("a", Up, 10), Client, at(0)).unwrap();
    let older = InstanceInfo { host_name: "older".to_owned(), ..instance("a", Up, 9) };
    registry.register(older, Client, at(50)).unwrap();
    let kept = registry.instance("SHOP", "a", at(50)).unwrap();
    assert_eq!((kept.host_name.as_str(), kept.last_dirty_at), ("a", 10));
    assert_eq!((kept.lease.renewed_at, kept.lease.up_at), (at(50).millis(), at(0).millis()));
    let equal = InstanceInfo { host_name: "equal".to_owned(), ..instance("a", Up, 10) };
    registry.register(equal, Client, at(51)).unwrap();
    assert_eq!(registry.known("SHOP", "a").unwrap().host_name, "equal");
}

#[test]
fn an_override_outlives_a_registration_and_a_client_cannot_undo_it() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    let stamp = |now| Stamp { last_dirty_at: None, now: at(now) };
    registry.set_status(("SHOP", "a"), OutOfService, stamp(1)).unwrap();
    register(&mut registry, "a", Up, 2);
    assert_eq!(status(&registry, "a"), OutOfService);
    // An instance that says it does not serve is believed.
    register(&mut registry, "a", Down, 3);
    assert_eq!(status(&registry, "a"), Down);
    register(&mut registry, "a", Up, 4);
    assert_eq!(status(&registry, "a"), OutOfService);
    assert_eq!(registry.known("SHOP", "a").unwrap().overridden_status, OutOfService);
    // Taken back without a value nobody knows what it is: its heartbeat sends it to register.
    registry.delete_override(("SHOP", "a"), Unknown, stamp(5)).unwrap();
    assert_eq!(beat(&mut registry, "a", 6), Renewal::Unknown);
    register(&mut registry, "a", Up, 7);
    assert_eq!(status(&registry, "a"), Up);
}

#[test]
fn an_override_that_nobody_asks_for_ends_after_an_hour() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    registry.set_status(("SHOP", "a"), OutOfService, Stamp { last_dirty_at: None, now: at(0) }).unwrap();
    register(&mut registry, "a", Starting, 3_700);
    registry.register(instance("a", Up, 3_701), Peer, at(3_701)).unwrap();
    assert_eq!(status(&registry, "a"), Up);
}

#[test]
fn a_status_that_is_known_holds_against_a_client_but_not_against_a_peer() {
    let mut registry = registry();
    register(&mut registry, "a", OutOfService, 0);
    register(&mut registry, "a", Up, 1);
    assert_eq!(status(&registry, "a"), OutOfService);
    registry.register(instance("a", Up, 2), Peer, at(2)).unwrap();
    assert_eq!(status(&registry, "a"), Up);
    // A peer's override is taken over with the registration.
    let overridden = InstanceInfo { overridden_status: OutOfService, ..instance("b", Up, 3) };
    registry.register(overridden, Peer, at(3)).unwrap();
    assert_eq!(status(&registry, "b"), OutOfService);
}

#[test]
fn heartbeats_compare_dirty_timestamps() {
    let mut registry = registry();
    registry.register(instance("a", Up, 100), Client, at(0)).unwrap();
    let mut renew = |dirty, overridden, origin| registry.renew(("SHOP", "a"), (Some(dirty), overridden), origin, at(1));
    assert!(is_renewed(&renew(100, None, Client)));
    assert!(is_renewed(&renew(99, None, Client)));
    assert!(matches!(renew(101, None, Client), Renewal::Outdated(_)));
    assert!(is_renewed(&renew(100, None, Peer)));
    assert!(matches!(renew(101, Some(OutOfService), Peer), Renewal::Outdated(_)));
    let Renewal::Conflict(stored) = renew(99, None, Peer) else { panic!("a peer that knows less is told") };
    assert_eq!((stored.last_dirty_at, stored.overridden_status), (100, OutOfService));
    assert_eq!(beat(&mut registry, "b", 1), Renewal::Unknown);
    register(&mut registry, "c", Unknown, 1);
    assert_eq!(beat(&mut registry, "c", 1), Renewal::Unknown);
}

#[test]
fn an_operators_status_is_a_change_once() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    let before = registry.revision();
    let set = |registry: &mut Registry, dirty| {
        let stamp = Stamp { last_dirty_at: dirty, now: at(20) };
        registry.set_status(("SHOP", "a"), Down, stamp).unwrap()
    };
    let changed = set(&mut registry, Some(i64::MAX));
    assert_eq!((changed.status, changed.overridden_status, changed.last_dirty_at), (Down, Down, i64::MAX));
    assert_eq!(changed.action_type, Some(ActionType::Modified));
    assert_eq!(registry.revision(), before + 1);
    set(&mut registry, Some(0));
    assert_eq!(registry.revision(), before + 1);
    assert_eq!(registry.known("SHOP", "a").unwrap().last_dirty_at, i64::MAX);
    assert_eq!(registry.instance("SHOP", "a", at(20)).unwrap().lease.renewed_at, at(20).millis());
}

/// Sends `count` heartbeats of `id` in the minute that `now` is in.
fn beats(registry: &mut Registry, id: &str, count: usize, now: i64) {
    (0..count).for_each(|_| assert!(is_renewed(&beat(registry, id, now))));
}

#[test]
fn nobody_is_evicted_while_too_few_heartbeats_arrive() {
    let mut registry = registry();
    (0..10).for_each(|number| register(&mut registry, &number.to_string(), Up, 0));
    let nobody = Vec::new();
    // 10 instances, 2 heartbeats a minute each, of which 85 % are 17.
    assert_eq!(registry.health(at(0)), Health { last_minute: 0, threshold: 17, evicts: false });
    assert_eq!(registry.evict(at(600), Duration::ZERO, |_| 0), nobody);
    beats(&mut registry, "0", 17, 610);
    assert_eq!(registry.health(at(660)), Health { last_minute: 17, threshold: 17, evicts: false });
    assert_eq!(registry.evict(at(660), Duration::ZERO, |_| 0), nobody);
    assert!(registry.instance("SHOP", "1", at(660)).is_some());
    beats(&mut registry, "0", 18, 670);
    assert!(registry.health(at(720)).evicts);
    // Hidden already, though nobody has evicted it.
    assert!(registry.instance("SHOP", "1", at(720)).is_none());
    assert!(registry.instance_anywhere("1", at(720)).is_none());
    assert_eq!(registry.application("SHOP").unwrap().instances.len(), 10);
    let gone = ["1", "9"].map(|id| ("SHOP".to_owned(), id.to_owned()));
    assert_eq!(registry.evict(at(720), Duration::ZERO, |_| 0), gone);
    assert_eq!(registry.all().applications().hash_code, "UP_8_");
    // The count is of the last complete minute: two later it is nothing.
    assert_eq!(registry.health(at(840)).last_minute, 0);
}

#[test]
fn in_a_small_registry_a_dead_instance_goes_but_not_all_of_them() {
    let mut registry = registry();
    for id in ["a", "b", "c"] {
        register(&mut registry, id, Up, 0);
    }
    // Each minute two heartbeats of those that live; a pass at its end, as the timer does it.
    let mut minute = |number: i64, alive: &[&str]| {
        for id in alive {
            beats(&mut registry, id, 1, number * 60 + 5);
            beats(&mut registry, id, 1, number * 60 + 35);
        }
        let gone = registry.evict(at(number * 60 + 60), Duration::ZERO, |_| 0);
        gone.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    };
    assert!(minute(0, &["a", "b", "c"]).is_empty());
    // Its lease lasts until second 125.
    assert!(minute(1, &["a", "b"]).is_empty());
    assert_eq!(minute(2, &["a", "b"]), ["c"]);
    assert!(minute(3, &["a", "b"]).is_empty());
    assert!(minute(4, &["a"]).is_empty());
    assert_eq!(minute(5, &["a"]), ["b"]);
    // Nobody is heard of: that is the network.
    for silent in 6..20 {
        assert!(minute(silent, &[]).is_empty());
    }
}

#[test]
fn an_empty_registry_expects_nobody() {
    let mut registry = registry();
    assert_eq!(registry.health(at(0)).threshold, 0);
    registry.expect_what_is_here();
    assert_eq!(registry.health(at(0)), Health { last_minute: 0, threshold: 0, evicts: false });
}

#[test]
fn one_pass_leaves_a_share_standing_and_picks_at_random() {
    let mut registry = Registry::new(Rules { preserves_itself: false, ..RULES }, at(0));
    (0..20).for_each(|number| register(&mut registry, &format!("{number:02}"), Up, 0));
    assert!(registry.evict(at(90), Duration::ZERO, |_| 0).is_empty());
    // A late timer is not the instances' fault.
    assert!(registry.evict(at(95), Duration::from_secs(5), |_| 0).is_empty());
    assert_eq!(registry.evict(at(95), Duration::ZERO, |count| count - 1).len(), 3);
    let left: Vec<_> = registry.lines().into_iter().map(|line| line.instance_id).collect();
    assert_eq!(left.len(), 17);
    assert!(!left.contains(&"19".to_owned()) && left.contains(&"00".to_owned()));
    beats(&mut registry, "00", 1, 96);
    for _ in 0..40 {
        registry.evict(at(100), Duration::ZERO, |_| 0);
    }
    assert_eq!(registry.lines().len(), 1);
    assert_eq!(registry.passages().1.len(), 19);
}

#[test]
fn an_eviction_is_a_deletion_with_its_time() {
    let mut registry = Registry::new(Rules { preserves_itself: false, ..RULES }, at(0));
    register(&mut registry, "a", Up, 0);
    assert_eq!(registry.evict(at(91), Duration::ZERO, |_| 0).len(), 1);
    let delta = registry.delta().applications();
    let gone = delta.applications[0].instances.last().unwrap();
    assert_eq!(gone.action_type, Some(ActionType::Deleted));
    assert_eq!(gone.lease.evicted_at, at(91).millis());
    assert!(!registry.cancel("SHOP", "a", at(92)));
    assert_eq!(delta.hash_code, "");
}

#[test]
fn a_recount_expects_those_who_are_here() {
    let mut registry = registry();
    (0..20).for_each(|number| register(&mut registry, &number.to_string(), Up, 0));
    assert_eq!(registry.health(at(0)).threshold, 34);
    registry.renewals.expect(0);
    registry.recount();
    assert_eq!(registry.health(at(0)).threshold, 34);
    // So many are gone at once that the network may be to blame.
    (0..10).for_each(|number| assert!(registry.cancel("SHOP", &number.to_string(), at(1))));
    registry.renewals.expect(20);
    registry.recount();
    assert_eq!(registry.health(at(1)).threshold, 34);
    registry.expect_what_is_here();
    assert_eq!(registry.health(at(1)).threshold, 17);
}

#[test]
fn it_refuses_more_than_it_may_hold() {
    let mut registry = Registry::new(Rules { max_instances: 1, ..RULES }, at(0));
    register(&mut registry, "a", Up, 0);
    assert_eq!(registry.register(instance("b", Up, 0), Client, at(0)), Err(Full(1)));
    register(&mut registry, "a", Up, 1);
    assert!(registry.cancel("SHOP", "a", at(2)));
    register(&mut registry, "b", Up, 3);
}

#[test]
fn virtual_addresses_are_lists() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    let found = |registry: &Registry, vip| registry.at_vip(vip).applications().applications.len();
    assert_eq!((found(&registry, "shop"), found(&registry, "b"), found(&registry, "Shop")), (1, 1, 0));
    assert_eq!(registry.at_secure_vip("shop").applications(), Applications { version: 1, ..Applications::default() });
}

#[test]
fn what_changed_here_is_known_better_than_what_was_said_before() {
    let mut registry = registry();
    register(&mut registry, "old", Up, 0);
    register(&mut registry, "gone", Up, 0);
    assert!(registry.cancel("SHOP", "gone", at(1)));
    let mark = registry.mark();
    assert!(!registry.knows_better("SHOP", "old", mark) && !registry.knows_better("SHOP", "new", mark));
    // The others may not have heard of it yet.
    assert!(registry.knows_better("SHOP", "gone", mark));
    beat(&mut registry, "old", 2);
    assert!(!registry.knows_better("SHOP", "old", mark));
    registry.set_status(("SHOP", "old"), Down, Stamp { last_dirty_at: None, now: at(2) }).unwrap();
    assert!(registry.knows_better("SHOP", "old", mark));
    registry.sweep(at(300));
    assert!(!registry.knows_better("SHOP", "gone", mark));
}

#[test]
fn changes_take_no_more_than_they_may() {
    let mut registry = Registry::new(Rules { max_instances: 10_000, ..RULES }, at(0));
    for number in 0..4_000_i64 {
        let mut large = instance(&number.to_string(), Up, number);
        large.metadata.insert("x".to_owned(), "x".repeat(30_000));
        registry.register(large, Client, at(0)).unwrap();
    }
    let delta = registry.delta().applications();
    let kept = &delta.applications[0].instances;
    assert!((1_500..2_300).contains(&kept.len()), "{} of 30 kB", kept.len());
    assert!(kept.iter().any(|info| info.instance_id == "3999") && kept.iter().all(|info| info.instance_id != "0"));
    registry.sweep(at(300));
    assert!(registry.delta().applications().applications.is_empty());
}

#[test]
fn an_instance_that_registers_all_the_time_is_two_changes() {
    let mut registry = registry();
    (0..100).for_each(|second| register(&mut registry, "a", Up, second));
    assert_eq!(registry.delta().applications().applications[0].instances.len(), 2);
    let before = registry.delta().applications().version;
    registry.sweep(at(181));
    assert_eq!(registry.delta().applications().applications[0].instances.len(), 1);
    registry.sweep(at(300));
    let empty = registry.delta().applications();
    assert!(empty.applications.is_empty() && empty.version > before);
    assert_eq!(empty.hash_code, "UP_1_");
}

/// A client as they all are: reads everything once, then applies deltas.
#[derive(Default)]
struct Follower(BTreeMap<(String, String), InstanceInfo>);

impl Follower {
    fn read(&mut self, all: Applications) {
        self.0.clear();
        self.apply(all);
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

    /// What it holds, heartbeats aside.
    fn facts(&self) -> Vec<InstanceInfo> {
        self.0.values().map(|info| InstanceInfo { lease: souk_eureka::LeaseInfo::default(), ..info.clone() }).collect()
    }
}

#[derive(Debug, Clone)]
enum Act {
    Register(u8, InstanceStatus),
    Cancel(u8),
    Beat(u8, i64),
    Set(u8, InstanceStatus),
    Unset(u8, InstanceStatus),
    Evict,
    Pass(i64),
    Follow,
}

fn acts() -> impl Strategy<Value = Act> {
    let statuses = prop_oneof![Just(Up), Just(Down), Just(Starting), Just(OutOfService), Just(Unknown)];
    prop_oneof![
        4 => (0_u8..6, statuses.clone()).prop_map(|(id, status)| Act::Register(id, status)),
        2 => (0_u8..6).prop_map(Act::Cancel),
        3 => (0_u8..6, 0_i64..3).prop_map(|(id, dirty)| Act::Beat(id, dirty)),
        2 => (0_u8..6, statuses.clone()).prop_map(|(id, status)| Act::Set(id, status)),
        2 => (0_u8..6, statuses).prop_map(|(id, status)| Act::Unset(id, status)),
        1 => Just(Act::Evict),
        3 => (1_i64..60).prop_map(Act::Pass),
        3 => Just(Act::Follow),
    ]
}

fn play(registry: &mut Registry, act: &Act, now: i64) {
    let stamp = Stamp { last_dirty_at: None, now: at(now) };
    let name = |id: u8| (["SHOP", "ORDER"][usize::from(id % 2)], id.to_string());
    match act {
        Act::Register(id, status) => {
            let (app, id) = name(*id);
            let info = InstanceInfo { app: app.to_owned(), ..instance(&id, *status, now) };
            registry.register(info, Client, at(now)).unwrap();
        }
        Act::Cancel(id) => {
            registry.cancel(name(*id).0, &name(*id).1, at(now));
        }
        Act::Beat(id, dirty) => {
            let (app, id) = name(*id);
            registry.renew((app, &id), (Some(now + dirty), Some(OutOfService)), Peer, at(now));
        }
        Act::Set(id, status) => {
            registry.set_status((name(*id).0, &name(*id).1), *status, stamp);
        }
        Act::Unset(id, status) => {
            registry.delete_override((name(*id).0, &name(*id).1), *status, stamp);
        }
        Act::Evict => {
            registry.evict(at(now), Duration::ZERO, |_| 0);
        }
        Act::Pass(_) | Act::Follow => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_client_that_applies_deltas_ends_with_everything(list in prop::collection::vec(acts(), 1..120)) {
        let mut registry = Registry::new(Rules { preserves_itself: false, ..RULES }, at(0));
        let (mut follower, mut followed_at, mut now) = (Follower::default(), 0, 0);
        follower.read(registry.all().applications());
        for act in list.iter().chain([&Act::Follow]) {
            if let Act::Pass(seconds) = act {
                now += seconds;
            }
            play(&mut registry, act, now);
            registry.sweep(at(now));
            // A client asks at least as often as changes stay.
            if matches!(act, Act::Follow) || now - followed_at > 100 {
                followed_at = now;
                let delta = registry.delta().applications();
                let said = delta.hash_code.clone();
                follower.apply(delta);
                let mut all = Follower::default();
                all.read(registry.all().applications());
                prop_assert_eq!(follower.facts(), all.facts());
                prop_assert_eq!(said, hash_code(follower.0.values()));
            }
        }
    }
}
