//! The invariants, as a pure function of the facts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use souk_events::Envelope;
use souk_order::audit::OrderFact;
use souk_payment::{audit::PaymentFact, payment::RefundStatus, provider::sandbox::EntryKind};
use souk_product::audit::ReservationFact;
use souk_values::{Id, OrderId};

use super::Facts;

/// The invariants in words.
pub const INVARIANTS: [(u8, &str); 7] = [
    (1, "stock = initial + adjustments - reserved - sold, never negative"),
    (2, "at most one unrefunded capture per order; provider and payments agree"),
    (3, "every paid order has its stock or its refund"),
    (4, "every capture belongs to a paid order or is refunded, never beyond itself"),
    (5, "no reservation is held for a cancelled or unknown order"),
    (6, "every event is published, and consumed where the bus is the shop's own; a broker's queues are shown"),
    (7, "each effect happened once"),
];

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which invariant.
    pub invariant: u8,
    /// What about.
    pub subject: String,
    /// What is wrong.
    pub detail: String,
    /// Whether it must hold at every instant; others may be on their way to come right.
    pub at_once: bool,
    /// The orders and payments it is about.
    pub about: Vec<i64>,
}

/// Everything that does not hold.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Findings::default();
    stock(facts, &mut found);
    provider(facts, &mut found);
    paid_orders(facts, &mut found);
    captures(facts, &mut found);
    reservations(facts, &mut found);
    events(facts, &mut found);
    effects(facts, &mut found);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn at_once(&mut self, invariant: u8, subject: String, detail: String) {
        self.0.push(Finding { invariant, subject, detail, at_once: true, about: Vec::new() });
    }

    fn in_time(&mut self, invariant: u8, subject: String, detail: String, about: impl Into<Vec<i64>>) {
        self.0.push(Finding { invariant, subject, detail, at_once: false, about: about.into() });
    }
}

fn stock(facts: &Facts, found: &mut Findings) {
    for product in &facts.product.products {
        let subject = format!("product {}", product.product_id);
        if product.stock < 0 {
            found.at_once(1, subject.clone(), format!("its stock is {}", product.stock));
        }
        let due = product.initial + product.adjusted - product.reserved - product.sold;
        if product.stock != due {
            found.at_once(1, subject, format!("its stock is {}, its ledger says {due}", product.stock));
        }
    }
}

/// What the provider holds, by payment: captured, refunded. Where its books cannot be read, what payment
/// has recorded of it.
fn by_payment(facts: &Facts) -> BTreeMap<i64, (i64, i64)> {
    if !facts.has_ledger {
        let recorded = facts.payment.payments.iter().filter(|payment| payment.captured).map(|payment| {
            let returned = payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Succeeded);
            (payment.payment_id.get(), (payment.amount.minor, returned.map(|refund| refund.amount.minor).sum()))
        });
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

fn provider(facts: &Facts, found: &mut Findings) {
    let held = by_payment(facts);
    let payments: BTreeMap<i64, &PaymentFact> =
        facts.payment.payments.iter().map(|payment| (payment.payment_id.get(), payment)).collect();
    let mut unrefunded: BTreeMap<OrderId, BTreeSet<i64>> = BTreeMap::new();
    for (payment_id, (captured, refunded)) in &held {
        let subject = format!("payment {payment_id}");
        let Some(payment) = payments.get(payment_id) else {
            // Rows are read before the ledger: one claimed in between is not missing.
            found.in_time(2, subject, "the provider holds it, payment has no row of it".to_owned(), []);
            continue;
        };
        if *captured > 0 && *captured != payment.amount.minor {
            found.at_once(2, subject.clone(), format!("captured {captured}, asked for {}", payment.amount.minor));
        }
        if refunded > captured {
            found.at_once(4, subject.clone(), format!("refunded {refunded} of {captured}"));
        }
        if captured > refunded {
            unrefunded.entry(payment.order_id).or_default().insert(*payment_id);
        }
        if *captured > 0 && !payment.captured {
            found.in_time(
                2,
                subject,
                format!("the provider captured it, its row says {:?}", payment.status),
                [*payment_id],
            );
        }
    }
    for (order, payments) in unrefunded.iter().filter(|(_, payments)| payments.len() > 1) {
        let detail = format!("captured {} times and not refunded: {payments:?}", payments.len());
        found.at_once(2, format!("order {order}"), detail);
    }
    for payment in &facts.payment.payments {
        let (captured, refunded) = held.get(&payment.payment_id.get()).copied().unwrap_or_default();
        let subject = format!("payment {}", payment.payment_id);
        if payment.captured && captured != payment.amount.minor {
            found.at_once(2, subject.clone(), format!("its row says captured, the provider holds {captured}"));
        }
        let returned: i64 = payment
            .refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::Succeeded)
            .map(|refund| refund.amount.minor)
            .sum();
        if returned > refunded {
            found.at_once(2, subject, format!("rows say {returned} went back, the provider says {refunded}"));
        } else if returned < refunded {
            found.in_time(
                2,
                subject,
                format!("the provider says {refunded} went back, rows say {returned}"),
                [payment.payment_id.get()],
            );
        }
    }
}

fn paid_orders(facts: &Facts, found: &mut Findings) {
    let reservations: BTreeMap<OrderId, &ReservationFact> =
        facts.product.reservations.iter().map(|reservation| (reservation.order_id, reservation)).collect();
    let refunded = fully_refunded(facts);
    for order in facts.order.orders.iter().filter(|order| order.is_paid) {
        let has_stock = reservations.get(&order.order_id).is_some_and(|reservation| reservation.state.has_units());
        let has_refund = order.payment_id.is_some_and(|payment| refunded.contains(&payment.get()));
        let owed = if order.is_cancelled { !has_refund } else { !has_stock && !has_refund };
        if owed {
            let subject = format!("order {}", order.order_id);
            found.in_time(
                3,
                subject,
                "it is paid, and has neither its stock nor its refund".to_owned(),
                [order.order_id.get()],
            );
        }
    }
}

/// Payments of which the provider returned everything.
fn fully_refunded(facts: &Facts) -> BTreeSet<i64> {
    let held = by_payment(facts);
    held.into_iter().filter(|(_, (captured, refunded))| captured == refunded).map(|(payment, _)| payment).collect()
}

fn captures(facts: &Facts, found: &mut Findings) {
    let orders: BTreeMap<OrderId, &OrderFact> =
        facts.order.orders.iter().map(|order| (order.order_id, order)).collect();
    let refunded = fully_refunded(facts);
    for payment in facts.payment.payments.iter().filter(|payment| payment.captured) {
        let is_paid = orders
            .get(&payment.order_id)
            .is_some_and(|order| order.payment_id == Some(payment.payment_id) && !order.is_cancelled);
        if !is_paid && !refunded.contains(&payment.payment_id.get()) {
            let subject = format!("payment {}", payment.payment_id);
            let detail = format!("captured, but order {} is not paid by it, and it is not refunded", payment.order_id);
            found.in_time(4, subject, detail, [payment.payment_id.get(), payment.order_id.get()]);
        }
    }
}

fn reservations(facts: &Facts, found: &mut Findings) {
    let orders: BTreeMap<OrderId, &OrderFact> =
        facts.order.orders.iter().map(|order| (order.order_id, order)).collect();
    for reservation in facts.product.reservations.iter().filter(|reservation| reservation.state.has_units()) {
        let subject = format!("order {}", reservation.order_id);
        let about = [reservation.order_id.get()];
        match orders.get(&reservation.order_id) {
            None => found.in_time(5, subject, "units are set aside for it, and it is not known".to_owned(), about),
            Some(order) if order.is_cancelled => {
                found.in_time(5, subject, "units are set aside for it, and it is cancelled".to_owned(), about);
            }
            Some(_) => {}
        }
    }
    let with_units: BTreeSet<i64> = facts
        .product
        .reservations
        .iter()
        .filter(|reservation| reservation.state.has_units())
        .map(|reservation| reservation.order_id.get())
        .collect();
    for order in facts.order.orders.iter().filter(|order| order.is_confirmed && !order.is_cancelled) {
        if !with_units.contains(&order.order_id.get()) {
            let subject = format!("order {}", order.order_id);
            found.in_time(
                5,
                subject,
                "it is confirmed, and no units are set aside for it".to_owned(),
                [order.order_id.get()],
            );
        }
    }
}

fn events(facts: &Facts, found: &mut Findings) {
    let subjects = |envelopes: &[Envelope]| -> Vec<i64> {
        envelopes.iter().filter_map(|envelope| envelope.subject.parse().ok()).collect()
    };
    for (service, waiting) in facts.unpublished.iter().filter(|(_, waiting)| !waiting.is_empty()) {
        let detail = format!("{} events are not published", waiting.len());
        found.in_time(6, format!("outbox of {service}"), detail, subjects(waiting));
    }
    if !facts.queued.is_empty() {
        let detail = format!("{} messages are not consumed", facts.queued.len());
        found.in_time(6, "bus".to_owned(), detail, subjects(&facts.queued));
    }
}

fn effects(facts: &Facts, found: &mut Findings) {
    for (service, repeated) in
        [("order", facts.order.repeated_effects), ("notification", facts.notification.repeated_effects)]
    {
        if repeated > 0 {
            found.at_once(7, format!("store of {service}"), format!("{repeated} effects happened more than once"));
        }
    }
    let mut seen = BTreeSet::new();
    for entry in &facts.payment.ledger {
        if !seen.insert((entry.kind == EntryKind::Capture, entry.key)) {
            found.at_once(7, format!("provider's key {}", entry.key), "it was used twice".to_owned());
        }
    }
}
