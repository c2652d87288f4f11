//! Metrics of the discovery client.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_values::gauge_value;

use crate::metrics::PROCESS;

const REACHABLE: &str = "eureka_client_registry_reachable";
const INSTANCES: &str = "eureka_client_instances";
const FETCHES: &str = "eureka_client_fetches_total";
const REGISTERED: &str = "eureka_client_registered";

/// Kind of a fetch.
#[derive(Debug, Clone, Copy)]
pub enum Fetch {
    /// The whole registry.
    Full,
    /// Changes of the last minutes.
    Delta,
}

pub fn describe() {
    describe_gauge!(REACHABLE, "1 while a registry answers");
    describe_gauge!(INSTANCES, "Instances of a service in the registry that are up");
    describe_counter!(FETCHES, "Fetches of the registry, by kind and outcome");
    describe_gauge!(REGISTERED, "1 while this process's instance of the service is registered");
}

pub fn reachable(is_reachable: bool) {
    gauge!(REACHABLE, "service" => PROCESS).set(f64::from(u8::from(is_reachable)));
}

pub fn known(target: &str, count: usize) {
    gauge!(INSTANCES, "service" => PROCESS, "target" => target.to_owned()).set(gauge_value(count));
}

pub fn fetched(kind: Fetch, is_good: bool) {
    let kind = match kind {
        Fetch::Full => "full",
        Fetch::Delta => "delta",
    };
    let outcome = if is_good { "ok" } else { "failed" };
    counter!(FETCHES, "service" => PROCESS, "kind" => kind, "outcome" => outcome).increment(1);
}

pub fn registered(service: &'static str, is_registered: bool) {
    gauge!(REGISTERED, "service" => service).set(f64::from(u8::from(is_registered)));
}
