//! Every metric of outboxes, relays and consumers.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_values::gauge_value;

const EVENTS: &str = "bus_events_total";
const PENDING: &str = "outbox_pending";
const OLDEST: &str = "outbox_oldest_seconds";

/// Describes the series.
pub fn describe() {
    describe_counter!(EVENTS, "Events that a service published or received, by type and outcome");
    describe_gauge!(PENDING, "Events that are committed and not published yet, or within one process not applied yet");
    describe_gauge!(OLDEST, "Age of the oldest of them in seconds; 0 if there is none");
}

/// Counts an event: `published` by its relay, or the outcome of a delivery.
pub(crate) fn count_event(service: &'static str, event_type: String, outcome: &'static str) {
    counter!(EVENTS, "service" => service, "type" => event_type, "outcome" => outcome).increment(1);
}

pub(crate) fn outbox(service: &'static str, pending: u64, oldest: Duration) {
    gauge!(PENDING, "service" => service).set(gauge_value(pending));
    gauge!(OLDEST, "service" => service).set(oldest.as_secs_f64());
}
