//! The invariants of the shop, checked by a pure function of its facts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use souk_events::Envelope;
use souk_order::audit::AuditedOrder;
use souk_payment::{audit::AuditedPayment, payment::RefundStatus, provider::sandbox::EntryKind};
use souk_product::audit::ReservationFact;
use souk_values::{Id, OrderId};

use super::facts::ShopFacts;

/// Number and statement of each invariant.
pub const INVARIANTS: [(u8, &str); 7] = [
    (1, "stock = initial + adjustments - reserved - sold, never negative"),
    (2, "at most one unrefunded capture per order; provider and payments agree"),
    (3, "every paid order has its stock or its refund"),
    (4, "every capture belongs to a paid order or is refunded, never beyond itself"),
    (5, "no reservation is held for a cancelled or unknown order"),
    (6, "every event is published, and consumed where the bus is the shop's own; a broker's queues are shown"),
    (7, "each effect happened once"),
];

/// Two facts that do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Discrepancy {
    pub invariant: u8,
    /// The thing concerned, such as `order 17`.
    pub subject: String,
    pub detail: String,
    /// True when no event in progress can resolve it: the invariant holds at every instant.
    #[serde(rename = "atOnce")]
    pub is_final: bool,
    /// Ids of the orders and payments concerned.
    pub about: Vec<i64>,
}

pub fn check(facts: &ShopFacts) -> Vec<Discrepancy> {
    let mut found = Discrepancies::default();
    let orders = facts.order.orders.iter().map(|order| (order.order_id, order)).collect();
    check_stock(facts, &mut found);
    check_provider(facts, &mut found);
    check_paid_orders(facts, &mut found);
    check_captures(facts, &orders, &mut found);
    check_reservations(facts, &orders, &mut found);
    check_events(facts, &mut found);
    check_effects(facts, &mut found);
    found.0
}

#[derive(Default)]
struct Discrepancies(Vec<Discrepancy>);

impl Discrepancies {
    fn add_final(&mut self, invariant: u8, subject: String, detail: impl Into<String>) {
        self.0.push(Discrepancy { invariant, subject, detail: detail.into(), is_final: true, about: Vec::new() });
    }

    /// Adds one that may resolve while the shop runs.
    fn add_transient(&mut self, invariant: u8, subject: String, detail: impl Into<String>, about: impl Into<Vec<i64>>) {
        self.0.push(Discrepancy { invariant, subject, detail: detail.into(), is_final: false, about: about.into() });
    }
}

fn check_stock(facts: &ShopFacts, found: &mut Discrepancies) {
    for product in &facts.product.products {
        let subject = format!("product {}", product.product_id);
        if product.stock < 0 {
            found.add_final(1, subject.clone(), format!("its stock is {}", product.stock));
        }
        let due = product.initial + product.adjusted - product.reserved - product.sold;
        if product.stock != due {
            found.add_final(1, subject, format!("its stock is {}, its ledger says {due}", product.stock));
        }
    }
}

/// Returns the minor units of the refunds that succeeded in payment's record.
fn returned(payment: &AuditedPayment) -> i64 {
    let succeeded = payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Succeeded);
    succeeded.map(|refund| refund.amount.minor).sum()
}

/// Returns the minor units captured and refunded at the provider, by payment. If its books cannot be read, payment's
/// record of them.
fn by_payment(facts: &ShopFacts) -> BTreeMap<i64, (i64, i64)> {
    if !facts.has_ledger {
        let recorded = facts
            .payment
            .payments
            .iter()
            .filter(|payment| payment.captured)
            .map(|payment| (payment.payment_id.get(), (payment.amount.minor, returned(payment))));
        return recorded.collect();
    }
    let mut held: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for entry in &facts.payment.ledger {
        let (captured, refunded) = held.entry(entry.payment_id).or_default();
        match entry.kind {
            EntryKind::Capture => *captured += entry.amount.minor,
            EntryKind::Refund => *refunded += entry.amount.minor,
        }
    }
    held
}

fn check_provider(facts: &ShopFacts, found: &mut Discrepancies) {
    let held = by_payment(facts);
    let payments: BTreeMap<i64, &AuditedPayment> =
        facts.payment.payments.iter().map(|payment| (payment.payment_id.get(), payment)).collect();
    let mut unrefunded: BTreeMap<OrderId, BTreeSet<i64>> = BTreeMap::new();
    for (payment_id, (captured, refunded)) in &held {
        let subject = format!("payment {payment_id}");
        let Some(payment) = payments.get(payment_id) else {
            // The rows are read before the ledger: a payment claimed in between is in the ledger alone.
            found.add_transient(2, subject, "the provider has a charge, payment has no row for it", []);
            continue;
        };
        if *captured > 0 && *captured != payment.amount.minor {
            let detail = format!("captured {captured}, but the payment is of {}", payment.amount.minor);
            found.add_final(2, subject.clone(), detail);
        }
        if refunded > captured {
            found.add_final(4, subject.clone(), format!("refunded {refunded} of {captured}"));
        }
        if captured > refunded {
            unrefunded.entry(payment.order_id).or_default().insert(*payment_id);
        }
        if *captured > 0 && !payment.captured {
            let detail = format!("the provider captured it, its row is {:?}", payment.status);
            found.add_transient(2, subject, detail, [*payment_id]);
        }
    }
    for (order, payments) in unrefunded.iter().filter(|(_, payments)| payments.len() > 1) {
        let detail = format!("captured {} times and not refunded: {payments:?}", payments.len());
        found.add_final(2, format!("order {order}"), detail);
    }
    for payment in &facts.payment.payments {
        let (captured, refunded) = held.get(&payment.payment_id.get()).copied().unwrap_or_default();
        let subject = format!("payment {}", payment.payment_id);
        if payment.captured && captured != payment.amount.minor {
            found.add_final(2, subject.clone(), format!("its row is captured, the provider captured {captured}"));
        }
        let returned = returned(payment);
        if returned > refunded {
            found.add_final(2, subject, format!("its rows refund {returned}, the provider refunded {refunded}"));
        } else if returned < refunded {
            let detail = format!("the provider refunded {refunded}, its rows refund {returned}");
            found.add_transient(2, subject, detail, [payment.payment_id.get()]);
        }
    }
}

fn check_paid_orders(facts: &ShopFacts, found: &mut Discrepancies) {
    let reservations: BTreeMap<OrderId, &ReservationFact> =
        facts.product.reservations.iter().map(|reservation| (reservation.order_id, reservation)).collect();
    let refunded = fully_refunded(facts);
    for order in facts.order.orders.iter().filter(|order| order.is_paid) {
        let has_stock = reservations.get(&order.order_id).is_some_and(|reservation| reservation.state.has_units());
        let has_refund = order.payment_id.is_some_and(|payment| refunded.contains(&payment.get()));
        let owed = if order.is_cancelled { !has_refund } else { !has_stock && !has_refund };
        if owed {
            let subject = format!("order {}", order.order_id);
            let about = [order.order_id.get()];
            found.add_transient(3, subject, "it is paid, but has neither its stock nor its refund", about);
        }
    }
}

/// Returns the payments that the provider refunded in full.
fn fully_refunded(facts: &ShopFacts) -> BTreeSet<i64> {
    let held = by_payment(facts);
    held.into_iter().filter(|(_, (captured, refunded))| captured == refunded).map(|(payment, _)| payment).collect()
}

fn check_captures(facts: &ShopFacts, orders: &BTreeMap<OrderId, &AuditedOrder>, found: &mut Discrepancies) {
    let refunded = fully_refunded(facts);
    for payment in facts.payment.payments.iter().filter(|payment| payment.captured) {
        let is_paid = orders
            .get(&payment.order_id)
            .is_some_and(|order| order.payment_id == Some(payment.payment_id) && !order.is_cancelled);
        if !is_paid && !refunded.contains(&payment.payment_id.get()) {
            let subject = format!("payment {}", payment.payment_id);
            let detail = format!("captured, but order {} is not paid by it, and it is not refunded", payment.order_id);
            found.add_transient(4, subject, detail, [payment.payment_id.get(), payment.order_id.get()]);
        }
    }
}

fn check_reservations(facts: &ShopFacts, orders: &BTreeMap<OrderId, &AuditedOrder>, found: &mut Discrepancies) {
    let mut with_units = BTreeSet::new();
    for reservation in facts.product.reservations.iter().filter(|reservation| reservation.state.has_units()) {
        with_units.insert(reservation.order_id);
        let subject = format!("order {}", reservation.order_id);
        let about = [reservation.order_id.get()];
        match orders.get(&reservation.order_id) {
            None => {
                found.add_transient(5, subject, "units are reserved for it, but it does not exist", about);
            }
            Some(order) if order.is_cancelled => {
                found.add_transient(5, subject, "units are reserved for it, but it is cancelled", about);
            }
            Some(_) => {}
        }
    }
    for order in facts.order.orders.iter().filter(|order| order.is_confirmed && !order.is_cancelled) {
        if !with_units.contains(&order.order_id) {
            let subject = format!("order {}", order.order_id);
            let about = [order.order_id.get()];
            found.add_transient(5, subject, "it is confirmed, but no units are reserved for it", about);
        }
    }
}

fn check_events(facts: &ShopFacts, found: &mut Discrepancies) {
    let subjects = |envelopes: &[Envelope]| -> Vec<i64> {
        envelopes.iter().filter_map(|envelope| envelope.subject.parse().ok()).collect()
    };
    for (service, waiting) in facts.unpublished.iter().filter(|(_, waiting)| !waiting.is_empty()) {
        let detail = format!("{} events are not published", waiting.len());
        found.add_transient(6, format!("outbox of {service}"), detail, subjects(waiting));
    }
    if !facts.queued.is_empty() {
        let detail = format!("{} messages are not consumed", facts.queued.len());
        found.add_transient(6, "bus".to_owned(), detail, subjects(&facts.queued));
    }
}

fn check_effects(facts: &ShopFacts, found: &mut Discrepancies) {
    for (service, repeated) in
        [("order", facts.order.repeated_effects), ("notification", facts.notification.repeated_effects)]
    {
        if repeated > 0 {
            found.add_final(7, format!("store of {service}"), format!("{repeated} effects happened more than once"));
        }
    }
    let mut seen = BTreeSet::new();
    for entry in &facts.payment.ledger {
        if !seen.insert((entry.kind == EntryKind::Capture, entry.key)) {
            found.add_final(7, format!("provider's key {}", entry.key), "it was used twice");
        }
    }
}
