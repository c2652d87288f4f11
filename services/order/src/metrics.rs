//! Every metric of the order service.

use metrics::{counter, gauge, histogram};
use souk_events::CancelReason;
use souk_values::{Currency, Timestamp};

use crate::{
    SERVICE,
    order::{Order, StepKind, transition::Change},
    store::reason_text,
};

/// Shows every series from the start, so that a rate over the first event is right.
pub(crate) fn begin(currency: Currency) {
    use CancelReason::{Admin, Customer, OutOfStock, Refunded, Unpaid};
    for name in ["orders_created_total", "orders_confirmed_total", "orders_paid_total"] {
        counter!(name, "service" => SERVICE).increment(0);
    }
    for reason in [OutOfStock, Customer, Admin, Unpaid, Refunded] {
        counter!("orders_cancelled_total", "service" => SERVICE, "reason" => reason_text(reason)).increment(0);
    }
    let currency = currency.code().to_owned();
    counter!("order_revenue_minor_total", "service" => SERVICE, "currency" => currency).increment(0);
}

/// An order was placed.
pub(crate) fn placed() {
    counter!("orders_created_total", "service" => SERVICE).increment(1);
}

/// An order changed.
pub(crate) fn changed(change: &Change) {
    match change.step {
        StepKind::Confirmed => {
            counter!("orders_confirmed_total", "service" => SERVICE).increment(1);
            saga(&change.order, "confirmed", change.at);
        }
        StepKind::Paid => {
            let total = change.order.total_amount;
            let currency = total.currency.code().to_owned();
            counter!("orders_paid_total", "service" => SERVICE).increment(1);
            counter!("order_revenue_minor_total", "service" => SERVICE, "currency" => currency)
                .increment(u64::try_from(total.minor).unwrap_or(0));
            saga(&change.order, "paid", change.at);
        }
        StepKind::Cancelled => {
            if let Some(reason) = change.order.cancel_reason {
                counter!("orders_cancelled_total", "service" => SERVICE, "reason" => reason_text(reason)).increment(1);
            }
        }
        StepKind::Created | StepKind::PaymentFailed | StepKind::Shipped | StepKind::Delivered | StepKind::Refunded => {}
    }
}

/// How long the order took from its placing to `stage`.
fn saga(order: &Order, stage: &'static str, at: Timestamp) {
    histogram!("order_saga_seconds", "service" => SERVICE, "stage" => stage).record(at.since(order.order_date));
}

/// How many orders wait for their stock for too long.
pub(crate) fn stuck(count: u64) {
    gauge!("orders_stuck", "service" => SERVICE).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
