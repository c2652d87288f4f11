//! The rules of the registry, at times that the tests choose.

mod follower;

use std::time::Duration;

use serde_json::json;
use souk_eureka::{ActionType, Applications, InstanceInfo, InstanceStatus};
use souk_values::Timestamp;

use super::*;
use InstanceStatus::{Down, OutOfService, Starting, Unknown, Up};
use Origin::{Client, Peer};

const RULES: Rules = Rules {
    self_preservation: true,
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

fn key(id: &str) -> InstanceKey<'_> {
    InstanceKey { app: "SHOP", id }
}

fn update(status: InstanceStatus) -> StatusUpdate {
    StatusUpdate { status, last_dirty_at: None }
}

fn status(registry: &Registry, id: &str) -> InstanceStatus {
    registry.get(key(id)).unwrap().status
}

fn beat(registry: &mut Registry, id: &str, now: i64) -> Renewal {
    registry.renew(key(id), Heartbeat::default(), Client, at(now))
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
    let kept = registry.instance(key("a"), at(50)).unwrap();
    assert_eq!((kept.host_name.as_str(), kept.last_dirty_at), ("a", 10));
    assert_eq!((kept.lease.renewed_at, kept.lease.up_at), (at(50).millis(), at(0).millis()));
    let equal = InstanceInfo { host_name: "equal".to_owned(), ..instance("a", Up, 10) };
    registry.register(equal, Client, at(51)).unwrap();
    assert_eq!(registry.get(key("a")).unwrap().host_name, "equal");
}

#[test]
fn an_override_outlives_a_registration_and_a_client_cannot_undo_it() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    registry.set_status(key("a"), update(OutOfService), at(1)).unwrap();
    register(&mut registry, "a", Up, 2);
    assert_eq!(status(&registry, "a"), OutOfService);
    // A status that takes no requests is believed in spite of the override.
    register(&mut registry, "a", Down, 3);
    assert_eq!(status(&registry, "a"), Down);
    register(&mut registry, "a", Up, 4);
    assert_eq!(status(&registry, "a"), OutOfService);
    assert_eq!(registry.get(key("a")).unwrap().overridden_status, OutOfService);
    // Deleted without a value, the override leaves an unknown status: the next heartbeat makes the instance register.
    registry.delete_override(key("a"), update(Unknown), at(5)).unwrap();
    assert_eq!(beat(&mut registry, "a", 6), Renewal::Unknown);
    register(&mut registry, "a", Up, 7);
    assert_eq!(status(&registry, "a"), Up);
}

#[test]
fn an_override_that_is_not_used_expires_after_an_hour() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    registry.set_status(key("a"), update(OutOfService), at(0)).unwrap();
    register(&mut registry, "a", Starting, 3_700);
    registry.register(instance("a", Up, 3_701), Peer, at(3_701)).unwrap();
    assert_eq!(status(&registry, "a"), Up);
}

#[test]
fn a_stored_status_holds_against_a_client_but_not_against_a_peer() {
    let mut registry = registry();
    register(&mut registry, "a", OutOfService, 0);
    register(&mut registry, "a", Up, 1);
    assert_eq!(status(&registry, "a"), OutOfService);
    registry.register(instance("a", Up, 2), Peer, at(2)).unwrap();
    assert_eq!(status(&registry, "a"), Up);
    // A peer's override is adopted with the registration.
    let overridden = InstanceInfo { overridden_status: OutOfService, ..instance("b", Up, 3) };
    registry.register(overridden, Peer, at(3)).unwrap();
    assert_eq!(status(&registry, "b"), OutOfService);
}

#[test]
fn heartbeats_compare_dirty_timestamps() {
    let mut registry = registry();
    registry.register(instance("a", Up, 100), Client, at(0)).unwrap();
    let mut renew = |dirty, overridden, origin| {
        registry.renew(key("a"), Heartbeat { last_dirty_at: Some(dirty), overridden }, origin, at(1))
    };
    assert!(is_renewed(&renew(100, None, Client)));
    assert!(is_renewed(&renew(99, None, Client)));
    assert!(matches!(renew(101, None, Client), Renewal::Outdated(_)));
    assert!(is_renewed(&renew(100, None, Peer)));
    assert!(matches!(renew(101, Some(OutOfService), Peer), Renewal::Outdated(_)));
    let Renewal::Conflict(stored) = renew(99, None, Peer) else {
        panic!("a peer with an older version gets the newer one")
    };
    assert_eq!((stored.last_dirty_at, stored.overridden_status), (100, OutOfService));
    assert_eq!(beat(&mut registry, "b", 1), Renewal::Unknown);
    register(&mut registry, "c", Unknown, 1);
    assert_eq!(beat(&mut registry, "c", 1), Renewal::Unknown);
}

#[test]
fn setting_the_same_status_again_is_not_a_change() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    let before = registry.revision();
    let set = |registry: &mut Registry, last_dirty_at| {
        registry.set_status(key("a"), StatusUpdate { status: Down, last_dirty_at }, at(20)).unwrap()
    };
    let changed = set(&mut registry, Some(i64::MAX));
    assert_eq!((changed.status, changed.overridden_status, changed.last_dirty_at), (Down, Down, i64::MAX));
    assert_eq!(changed.action_type, Some(ActionType::Modified));
    assert_eq!(registry.revision(), before + 1);
    set(&mut registry, Some(0));
    assert_eq!(registry.revision(), before + 1);
    assert_eq!(registry.get(key("a")).unwrap().last_dirty_at, i64::MAX);
    assert_eq!(registry.instance(key("a"), at(20)).unwrap().lease.renewed_at, at(20).millis());
}

/// Sends `count` heartbeats of `id` at `now`.
fn beats(registry: &mut Registry, id: &str, count: usize, now: i64) {
    (0..count).for_each(|_| assert!(is_renewed(&beat(registry, id, now))));
}

#[test]
fn no_instance_is_evicted_while_too_few_heartbeats_arrive() {
    let mut registry = registry();
    (0..10).for_each(|number| register(&mut registry, &number.to_string(), Up, 0));
    let none = Vec::new();
    // 10 instances, 2 heartbeats a minute each, of which 85 % are 17.
    assert_eq!(registry.renewal_stats(at(0)), RenewalStats { last_minute: 0, threshold: 17, allows_eviction: false });
    assert_eq!(registry.evict(at(600), Duration::ZERO, |_| 0), none);
    beats(&mut registry, "0", 17, 610);
    assert_eq!(
        registry.renewal_stats(at(660)),
        RenewalStats { last_minute: 17, threshold: 17, allows_eviction: false }
    );
    assert_eq!(registry.evict(at(660), Duration::ZERO, |_| 0), none);
    assert!(registry.instance(key("1"), at(660)).is_some());
    beats(&mut registry, "0", 18, 670);
    assert!(registry.renewal_stats(at(720)).allows_eviction);
    // Hidden already, before the eviction pass.
    assert!(registry.instance(key("1"), at(720)).is_none());
    assert!(registry.instance_anywhere("1", at(720)).is_none());
    assert_eq!(registry.application("SHOP").unwrap().instances.len(), 10);
    let evicted = ["1", "9"].map(|id| ("SHOP".to_owned(), id.to_owned()));
    assert_eq!(registry.evict(at(720), Duration::ZERO, |_| 0), evicted);
    assert_eq!(registry.all().applications().hash_code, "UP_8_");
    // The count is that of the previous minute, in which no heartbeat arrived.
    assert_eq!(registry.renewal_stats(at(840)).last_minute, 0);
}

#[test]
fn a_small_registry_evicts_a_dead_instance_but_not_all_of_them() {
    let mut registry = registry();
    for id in ["a", "b", "c"] {
        register(&mut registry, id, Up, 0);
    }
    // Two heartbeats of each live instance per minute, and an eviction pass at its end.
    let mut minute = |number: i64, alive: &[&str]| {
        for id in alive {
            beats(&mut registry, id, 1, number * 60 + 5);
            beats(&mut registry, id, 1, number * 60 + 35);
        }
        let evicted = registry.evict(at(number * 60 + 60), Duration::ZERO, |_| 0);
        evicted.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    };
    assert!(minute(0, &["a", "b", "c"]).is_empty());
    // The lease of c lasts until second 125.
    assert!(minute(1, &["a", "b"]).is_empty());
    assert_eq!(minute(2, &["a", "b"]), ["c"]);
    assert!(minute(3, &["a", "b"]).is_empty());
    assert!(minute(4, &["a"]).is_empty());
    assert_eq!(minute(5, &["a"]), ["b"]);
    // No heartbeat at all means a broken network.
    for silent in 6..20 {
        assert!(minute(silent, &[]).is_empty());
    }
}

#[test]
fn an_empty_registry_expects_no_heartbeats() {
    let mut registry = registry();
    assert_eq!(registry.renewal_stats(at(0)).threshold, 0);
    registry.expect_all_registered();
    assert_eq!(registry.renewal_stats(at(0)), RenewalStats { last_minute: 0, threshold: 0, allows_eviction: false });
}

#[test]
fn one_pass_leaves_a_share_standing_and_picks_at_random() {
    let mut registry = Registry::new(Rules { self_preservation: false, ..RULES }, at(0));
    (0..20).for_each(|number| register(&mut registry, &format!("{number:02}"), Up, 0));
    assert!(registry.evict(at(90), Duration::ZERO, |_| 0).is_empty());
    // The delay of a late pass is granted to the instances.
    assert!(registry.evict(at(95), Duration::from_secs(5), |_| 0).is_empty());
    assert_eq!(registry.evict(at(95), Duration::ZERO, |count| count - 1).len(), 3);
    let left: Vec<_> = registry.summaries().into_iter().map(|summary| summary.instance_id).collect();
    assert_eq!(left.len(), 17);
    assert!(!left.contains(&"19".to_owned()) && left.contains(&"00".to_owned()));
    beats(&mut registry, "00", 1, 96);
    for _ in 0..40 {
        registry.evict(at(100), Duration::ZERO, |_| 0);
    }
    assert_eq!(registry.summaries().len(), 1);
    assert_eq!(registry.recently_cancelled().len(), 19);
}

#[test]
fn an_eviction_is_a_deletion_with_its_time() {
    let mut registry = Registry::new(Rules { self_preservation: false, ..RULES }, at(0));
    register(&mut registry, "a", Up, 0);
    assert_eq!(registry.evict(at(91), Duration::ZERO, |_| 0).len(), 1);
    let delta = registry.delta().applications();
    let deleted = delta.applications[0].instances.last().unwrap();
    assert_eq!(deleted.action_type, Some(ActionType::Deleted));
    assert_eq!(deleted.lease.evicted_at, at(91).millis());
    assert!(!registry.cancel(key("a"), at(92)));
    assert_eq!(delta.hash_code, "");
}

#[test]
fn an_updated_threshold_expects_the_registered_instances() {
    let mut registry = registry();
    (0..20).for_each(|number| register(&mut registry, &number.to_string(), Up, 0));
    assert_eq!(registry.renewal_stats(at(0)).threshold, 34);
    registry.renewals.expect(0);
    registry.update_renewal_threshold();
    assert_eq!(registry.renewal_stats(at(0)).threshold, 34);
    // So many disappeared together that the network may be the cause.
    (0..10).for_each(|number| assert!(registry.cancel(key(&number.to_string()), at(1))));
    registry.renewals.expect(20);
    registry.update_renewal_threshold();
    assert_eq!(registry.renewal_stats(at(1)).threshold, 34);
    registry.expect_all_registered();
    assert_eq!(registry.renewal_stats(at(1)).threshold, 17);
}

#[test]
fn a_full_registry_rejects_new_instances() {
    let mut registry = Registry::new(Rules { max_instances: 1, ..RULES }, at(0));
    register(&mut registry, "a", Up, 0);
    assert_eq!(registry.register(instance("b", Up, 0), Client, at(0)), Err(RegistryFull(1)));
    register(&mut registry, "a", Up, 1);
    assert!(registry.cancel(key("a"), at(2)));
    register(&mut registry, "b", Up, 3);
}

#[test]
fn a_virtual_address_may_be_one_of_a_list() {
    let mut registry = registry();
    register(&mut registry, "a", Up, 0);
    let found = |registry: &Registry, vip| registry.at_vip(vip).applications().applications.len();
    assert_eq!((found(&registry, "shop"), found(&registry, "b"), found(&registry, "Shop")), (1, 1, 0));
    assert_eq!(registry.at_secure_vip("shop").applications(), Applications { version: 1, ..Applications::default() });
}

#[test]
fn a_change_here_is_newer_than_an_earlier_read_of_a_peer() {
    let mut registry = registry();
    register(&mut registry, "old", Up, 0);
    register(&mut registry, "gone", Up, 0);
    assert!(registry.cancel(key("gone"), at(1)));
    let mark = registry.mark();
    assert!(!registry.has_newer(key("old"), mark) && !registry.has_newer(key("new"), mark));
    // The peers may not have received the cancellation yet.
    assert!(registry.has_newer(key("gone"), mark));
    beat(&mut registry, "old", 2);
    assert!(!registry.has_newer(key("old"), mark));
    registry.set_status(key("old"), update(Down), at(2)).unwrap();
    assert!(registry.has_newer(key("old"), mark));
    registry.expire_changes(at(300));
    assert!(!registry.has_newer(key("gone"), mark));
}

#[test]
fn changes_are_limited_in_memory() {
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
    registry.expire_changes(at(300));
    assert!(registry.delta().applications().applications.is_empty());
}

#[test]
fn an_instance_that_registers_in_a_loop_is_kept_as_two_changes() {
    let mut registry = registry();
    (0..100).for_each(|second| register(&mut registry, "a", Up, second));
    assert_eq!(registry.delta().applications().applications[0].instances.len(), 2);
    let before = registry.delta().applications().version;
    registry.expire_changes(at(181));
    assert_eq!(registry.delta().applications().applications[0].instances.len(), 1);
    registry.expire_changes(at(300));
    let empty = registry.delta().applications();
    assert!(empty.applications.is_empty() && empty.version > before);
    assert_eq!(empty.hash_code, "UP_1_");
}
