//! Every metric of this service.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::{account::Fact, payment::FailureCode, store::Standing};

const SERVICE: &str = "payment";
const SUCCESS: &str = "payment_success_total";
const FAILURE: &str = "payment_failure_total";
const REFUNDS: &str = "payment_refunds_total";
const PROCESSING: &str = "payments_processing";
const STUCK: &str = "payments_stuck";

/// Makes every series exist, at zero.
pub(crate) fn announce() {
    describe_counter!(SUCCESS, "Payments captured");
    describe_counter!(FAILURE, "Payments failed, by reason");
    describe_counter!(REFUNDS, "Refunds that the provider returned");
    describe_gauge!(PROCESSING, "Payments whose outcome is not known yet");
    describe_gauge!(STUCK, "Payments whose outcome is not known after five minutes");
    counter!(SUCCESS, "service" => SERVICE).increment(0);
    counter!(REFUNDS, "service" => SERVICE).increment(0);
    for reason in FailureCode::ALL {
        counter!(FAILURE, "service" => SERVICE, "reason" => reason.as_str()).increment(0);
    }
}

/// Counts what a saved change made true.
pub(crate) fn tell(facts: &[Fact]) {
    for fact in facts {
        match fact {
            Fact::Succeeded(_) => counter!(SUCCESS, "service" => SERVICE).increment(1),
            Fact::Failed(failed) => {
                counter!(FAILURE, "service" => SERVICE, "reason" => failed.failure_code.clone()).increment(1);
            }
            Fact::Refunded(_) => counter!(REFUNDS, "service" => SERVICE).increment(1),
        }
    }
}

/// Shows how many payments are open.
pub(crate) fn show(standing: Standing) {
    let shown = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!(PROCESSING, "service" => SERVICE).set(shown(standing.processing));
    gauge!(STUCK, "service" => SERVICE).set(shown(standing.stuck));
}
