//! Every metric of this service.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_eureka::InstanceStatus;

use crate::registry::Health;

const SERVICE: &str = "discovery";
const INSTANCES: &str = "eureka_instances";
const RENEWS: &str = "eureka_renews_last_minute";
const THRESHOLD: &str = "eureka_renews_threshold";
const PRESERVING: &str = "eureka_self_preservation_active";
const EVICTED: &str = "eureka_evictions_total";
const QUEUED: &str = "eureka_replication_queued";
const FAILED: &str = "eureka_replication_failed_total";

const STATUSES: [InstanceStatus; 5] = [
    InstanceStatus::Up,
    InstanceStatus::Down,
    InstanceStatus::Starting,
    InstanceStatus::OutOfService,
    InstanceStatus::Unknown,
];

/// Says what the series are and lets the counter begin at 0.
pub fn begin() {
    describe_gauge!(INSTANCES, "Registered instances, by status");
    describe_gauge!(RENEWS, "Heartbeats in the last complete minute");
    describe_gauge!(THRESHOLD, "Heartbeats a minute of which more must arrive for anybody to be evicted");
    describe_gauge!(PRESERVING, "1 while nobody is evicted because too few heartbeats arrive");
    describe_counter!(EVICTED, "Instances removed because they were not heard of");
    describe_gauge!(QUEUED, "What waits to be sent to a peer");
    describe_counter!(FAILED, "What a peer was not told: refused, too old, or too much waits");
    counter!(EVICTED, "service" => SERVICE).increment(0);
}

/// What the registry holds.
pub fn registry(counts: &std::collections::BTreeMap<InstanceStatus, usize>, health: Health) {
    for status in STATUSES {
        let count = counts.get(&status).copied().unwrap_or(0);
        gauge!(INSTANCES, "service" => SERVICE, "status" => status.name()).set(float(count));
    }
    let count = |number: u64| float(usize::try_from(number).unwrap_or(usize::MAX));
    gauge!(RENEWS, "service" => SERVICE).set(count(health.last_minute));
    gauge!(THRESHOLD, "service" => SERVICE).set(count(health.threshold));
    gauge!(PRESERVING, "service" => SERVICE).set(if health.evicts { 0.0 } else { 1.0 });
}

/// This many instances were evicted.
pub fn evicted(count: usize) {
    counter!(EVICTED, "service" => SERVICE).increment(u64::try_from(count).unwrap_or(u64::MAX));
}

/// This much waits for `peer`.
pub fn queued(peer: &str, count: usize) {
    gauge!(QUEUED, "service" => SERVICE, "peer" => peer.to_owned()).set(float(count));
}

/// `peer` was not told this many things.
pub fn failed(peer: &str, count: usize) {
    counter!(FAILED, "service" => SERVICE, "peer" => peer.to_owned())
        .increment(u64::try_from(count).unwrap_or(u64::MAX));
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
