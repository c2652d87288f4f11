//! The metrics of this service, under Eureka's names.

use std::collections::BTreeMap;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_eureka::InstanceStatus;
use souk_values::gauge_value;

use crate::registry::RenewalStats;

const SERVICE: &str = "discovery";
const INSTANCES: &str = "eureka_instances";
const RENEWS: &str = "eureka_renews_last_minute";
const THRESHOLD: &str = "eureka_renews_threshold";
const PRESERVING: &str = "eureka_self_preservation_active";
const EVICTED: &str = "eureka_evictions_total";
const QUEUED: &str = "eureka_replication_queued";
const FAILED: &str = "eureka_replication_failed_total";

/// Describes the series and starts the counter of evictions at 0.
pub(crate) fn describe() {
    describe_gauge!(INSTANCES, "Registered instances by status");
    describe_gauge!(RENEWS, "Heartbeats in the latest complete minute");
    describe_gauge!(THRESHOLD, "Heartbeats per minute that must be exceeded before instances are evicted");
    describe_gauge!(PRESERVING, "1 while eviction is suspended because too few heartbeats arrive");
    describe_counter!(EVICTED, "Instances that were evicted because their lease had expired");
    describe_gauge!(QUEUED, "Replication tasks waiting for a peer");
    describe_counter!(FAILED, "Replication tasks that were dropped: rejected by the peer, expired, or queue full");
    counter!(EVICTED, "service" => SERVICE).increment(0);
}

pub(crate) fn set_registry(counts: &BTreeMap<InstanceStatus, usize>, stats: RenewalStats) {
    for status in InstanceStatus::ALL {
        let count = counts.get(&status).copied().unwrap_or(0);
        gauge!(INSTANCES, "service" => SERVICE, "status" => status.name()).set(gauge_value(count));
    }
    gauge!(RENEWS, "service" => SERVICE).set(gauge_value(stats.last_minute));
    gauge!(THRESHOLD, "service" => SERVICE).set(gauge_value(stats.threshold));
    gauge!(PRESERVING, "service" => SERVICE).set(if stats.allows_eviction { 0.0 } else { 1.0 });
}

pub(crate) fn count_evictions(count: usize) {
    counter!(EVICTED, "service" => SERVICE).increment(u64::try_from(count).unwrap_or(u64::MAX));
}

pub(crate) fn set_queued(peer: &str, count: usize) {
    gauge!(QUEUED, "service" => SERVICE, "peer" => peer.to_owned()).set(gauge_value(count));
}

pub(crate) fn count_dropped(peer: &str, count: usize) {
    counter!(FAILED, "service" => SERVICE, "peer" => peer.to_owned())
        .increment(u64::try_from(count).unwrap_or(u64::MAX));
}
