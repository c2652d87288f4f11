//! Every metric of the discovery client.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::telemetry::PROCESS;

const REACHABLE: &str = "eureka_client_registry_reachable";
const INSTANCES: &str = "eureka_client_instances";
const FETCHES: &str = "eureka_client_fetches_total";
const REGISTERED: &str = "eureka_client_registered";

/// What was fetched.
#[derive(Debug, Clone, Copy)]
pub enum Fetch {
    /// The registry.
    Whole,
    /// What changed in it.
    Delta,
}

/// Says what the series are.
pub fn describe() {
    describe_gauge!(REACHABLE, "1 while a registry answers");
    describe_gauge!(INSTANCES, "Instances of a service that take calls, as the registry says");
    describe_counter!(FETCHES, "Times that the registry was fetched, by kind and outcome");
    describe_gauge!(REGISTERED, "1 while this process's instance of the service stands in the registry");
}

/// Whether a registry answers.
pub fn reachable(is_reachable: bool) {
    gauge!(REACHABLE, "service" => PROCESS).set(f64::from(u8::from(is_reachable)));
}

/// The registry knows `count` instances of `target` that take calls.
pub fn known(target: &str, count: usize) {
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!(INSTANCES, "service" => PROCESS, "target" => target.to_owned()).set(count);
}

/// The registry was fetched, and could be used or not.
pub fn fetched(kind: Fetch, is_good: bool) {
    let kind = match kind {
        Fetch::Whole => "full",
        Fetch::Delta => "delta",
    };
    let outcome = if is_good { "ok" } else { "failed" };
    counter!(FETCHES, "service" => PROCESS, "kind" => kind, "outcome" => outcome).increment(1);
}

/// Whether this process's instance of `service` stands in the registry.
pub fn registered(service: &'static str, is_registered: bool) {
    gauge!(REGISTERED, "service" => service).set(f64::from(u8::from(is_registered)));
}
