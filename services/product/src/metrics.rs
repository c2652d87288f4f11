//! Metrics of the product service.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use souk_values::{ProductId, gauge_value};

use crate::reservation::ReservationState;

const SERVICE: &str = "product";
const RESERVATIONS: &str = "stock_reservations_total";
const STOCK: &str = "stock_available";
const BATCH: &str = "stock_batch_events";

pub(crate) fn describe() {
    describe_counter!(RESERVATIONS, "Reservations that reached a state, by outcome");
    describe_histogram!(BATCH, "Order events that one transaction applied");
    describe_gauge!(STOCK, "Units that can be bought, of the products that sell most");
    for outcome in ReservationState::ALL.into_iter().filter_map(outcome) {
        counter!(RESERVATIONS, "service" => SERVICE, "outcome" => outcome).increment(0);
    }
}

/// Counts a reservation that reached `state`.
pub(crate) fn reservation(state: ReservationState) {
    if let Some(outcome) = outcome(state) {
        counter!(RESERVATIONS, "service" => SERVICE, "outcome" => outcome).increment(1);
    }
}

/// Records the number of order events of a committed transaction.
pub(crate) fn order_batch(events: usize) {
    histogram!(BATCH, "service" => SERVICE).record(gauge_value(events));
}

pub(crate) fn stock_available(product: ProductId, units: i64) {
    gauge!(STOCK, "service" => SERVICE, "productId" => product.to_string()).set(gauge_value(units));
}

fn outcome(state: ReservationState) -> Option<&'static str> {
    match state {
        ReservationState::Held => Some("reserved"),
        ReservationState::Refused => Some("rejected"),
        ReservationState::Sold => Some("sold"),
        ReservationState::Released => Some("released"),
        // Never had units.
        ReservationState::CancelledBefore => None,
    }
}
