//! Every metric of the order service.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use souk_events::CancelReason;
use souk_values::{Currency, Timestamp, gauge_value};

use crate::{
    SERVICE,
    order::{Order, StepKind, transition::Change},
    store::reason_text,
};

const CREATED: &str = "orders_created_total";
const CONFIRMED: &str = "orders_confirmed_total";
const PAID: &str = "orders_paid_total";
const CANCELLED: &str = "orders_cancelled_total";
const REVENUE: &str = "order_revenue_minor_total";
const SAGA: &str = "order_saga_seconds";
const STUCK: &str = "orders_stuck";

/// Describes the series and starts the counters at zero, so that a rate over the first event is right.
pub(crate) fn describe(currency: Currency) {
    use CancelReason::{Admin, Customer, OutOfStock, Refunded, Undecided, Unpaid};
    describe_counter!(CREATED, "Orders placed");
    describe_counter!(CONFIRMED, "Orders whose stock was reserved");
    describe_counter!(PAID, "Orders whose money was captured");
    describe_counter!(CANCELLED, "Orders cancelled, by reason");
    describe_counter!(REVENUE, "Captured money in minor units; refunds are not deducted");
    describe_histogram!(SAGA, "Seconds from placing an order to a stage");
    describe_gauge!(STUCK, "Orders that have waited for their stock for over 5 minutes");
    for name in [CREATED, CONFIRMED, PAID] {
        counter!(name, "service" => SERVICE).increment(0);
    }
    for reason in [OutOfStock, Customer, Admin, Unpaid, Refunded, Undecided] {
        counter!(CANCELLED, "service" => SERVICE, "reason" => reason_text(reason)).increment(0);
    }
    counter!(REVENUE, "service" => SERVICE, "currency" => currency.code().to_owned()).increment(0);
}

pub(crate) fn order_placed() {
    counter!(CREATED, "service" => SERVICE).increment(1);
}

pub(crate) fn order_changed(change: &Change) {
    match change.step {
        StepKind::Confirmed => {
            counter!(CONFIRMED, "service" => SERVICE).increment(1);
            record_stage(&change.order, "confirmed", change.at);
        }
        StepKind::Paid => {
            let total = change.order.total_amount;
            let currency = total.currency.code().to_owned();
            counter!(PAID, "service" => SERVICE).increment(1);
            counter!(REVENUE, "service" => SERVICE, "currency" => currency)
                .increment(u64::try_from(total.minor).unwrap_or(0));
            record_stage(&change.order, "paid", change.at);
        }
        StepKind::Cancelled => {
            if let Some(reason) = change.order.cancel_reason {
                counter!(CANCELLED, "service" => SERVICE, "reason" => reason_text(reason)).increment(1);
            }
        }
        StepKind::Created
        | StepKind::PaymentFailed
        | StepKind::Shipped
        | StepKind::Delivered
        | StepKind::Refunded
        | StepKind::RefundFailed => {}
    }
}

fn record_stage(order: &Order, stage: &'static str, at: Timestamp) {
    histogram!(SAGA, "service" => SERVICE, "stage" => stage).record(at.since(order.order_date));
}

pub(crate) fn stuck_orders(count: u64) {
    gauge!(STUCK, "service" => SERVICE).set(gauge_value(count));
}
