//! All metrics of this service.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_values::gauge_value;

use crate::{order_payments::PaymentEvent, payment::FailureCode, store::OpenCounts};

const SERVICE: &str = "payment";
const SUCCESS: &str = "payment_success_total";
const FAILURE: &str = "payment_failure_total";
const REFUNDS: &str = "payment_refunds_total";
const REFUND_FAILURES: &str = "payment_refund_failures_total";
const PROCESSING: &str = "payments_processing";
const STUCK: &str = "payments_stuck";

/// Describes every series, and starts the counters at zero.
pub(crate) fn describe() {
    describe_counter!(SUCCESS, "Payments captured");
    describe_counter!(FAILURE, "Payments failed, by reason");
    describe_counter!(REFUNDS, "Refunds that the provider returned");
    describe_counter!(REFUND_FAILURES, "Refunds that failed for good, also those that had succeeded before");
    describe_gauge!(PROCESSING, "Payments whose outcome is not known yet");
    describe_gauge!(STUCK, "Payments whose outcome is not known after five minutes");
    counter!(SUCCESS, "service" => SERVICE).increment(0);
    counter!(REFUNDS, "service" => SERVICE).increment(0);
    counter!(REFUND_FAILURES, "service" => SERVICE).increment(0);
    for reason in FailureCode::ALL {
        counter!(FAILURE, "service" => SERVICE, "reason" => reason.as_str()).increment(0);
    }
}

/// Counts the events of a saved change.
pub(crate) fn record(events: &[PaymentEvent]) {
    for event in events {
        match event {
            PaymentEvent::Succeeded(_) => counter!(SUCCESS, "service" => SERVICE).increment(1),
            PaymentEvent::Failed(failed) => {
                counter!(FAILURE, "service" => SERVICE, "reason" => failed.failure_code.clone()).increment(1);
            }
            PaymentEvent::Refunded(_) => counter!(REFUNDS, "service" => SERVICE).increment(1),
            PaymentEvent::RefundFailed(_) => counter!(REFUND_FAILURES, "service" => SERVICE).increment(1),
        }
    }
}

pub(crate) fn set_open(counts: OpenCounts) {
    gauge!(PROCESSING, "service" => SERVICE).set(gauge_value(counts.processing));
    gauge!(STUCK, "service" => SERVICE).set(gauge_value(counts.stuck));
}
