//! The invariants of the shop, checked by pure functions of the facts that were read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;
use souk_order::audit::AuditedOrder;
use souk_payment::{
    audit::{AuditedPayment, Held},
    payment::{RefundStatus, Status},
    provider_account::ProviderName,
};
use souk_product::audit::ProductStock;
use souk_values::{Id, OrderId, Timestamp};

use super::stores::OrderRange;

/// Number and statement of each invariant.
pub const INVARIANTS: [(u8, &str); 11] = [
    (1, "stock = initial + adjustments - reserved - sold, never negative"),
    (2, "at most one unrefunded capture per order; provider and payments agree"),
    (3, "every paid order has its stock or its refund"),
    (4, "every capture belongs to a paid order or is refunded, never beyond itself"),
    (5, "no reservation is held for a cancelled or unknown order"),
    (6, "every event is published, and consumed where the bus is the shop's own; a broker's queues are shown"),
    (7, "each effect happened once"),
    (8, "every paid order has a capture of exactly its total"),
    (9, "the ledger's reserved and sold units are those of the reservations"),
    (10, "no order is created and no payment processing for over 5 minutes"),
    (11, "no message is a dead letter"),
];

/// Age from which an order without a decision, or a payment without an outcome, is stuck.
const STUCK: Duration = Duration::from_mins(5);

/// Discrepancies that are kept; further ones are counted.
const MOST: usize = 10_000;

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
    /// The facts to read again.
    #[serde(skip)]
    pub source: Source,
    /// True while payment has yet to learn an outcome of this order from the provider.
    #[serde(skip)]
    pub awaits_provider: bool,
    /// True when only another reading of Stripe's own list can show that it is resolved.
    #[serde(skip)]
    pub rests_on_list: bool,
}

impl Discrepancy {
    /// Creates one that may resolve while the shop runs.
    pub fn new(invariant: u8, subject: String, detail: impl Into<String>, source: Source) -> Self {
        Self {
            invariant,
            subject,
            detail: detail.into(),
            is_final: false,
            about: Vec::new(),
            source,
            awaits_provider: false,
            rests_on_list: false,
        }
    }

    /// Identifies it among all of a shop.
    pub fn key(&self) -> (u8, String) {
        (self.invariant, self.subject.clone())
    }
}

/// The facts that a discrepancy came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Everything about one order.
    Order(i64),
    /// A capture in the provider's books, by its payment id.
    Capture(i64),
    /// The whole of a store, in one snapshot.
    Store,
}

/// The discrepancies of one reading, with the numbers of things that were checked.
#[derive(Debug, Default)]
pub struct Findings {
    pub found: Vec<Discrepancy>,
    /// Number of discrepancies beyond those kept.
    pub omitted: u64,
    checked: BTreeMap<u8, u64>,
}

impl Findings {
    pub fn checked(&self, invariant: u8) -> u64 {
        self.checked.get(&invariant).copied().unwrap_or_default()
    }

    pub fn add_checked(&mut self, invariant: u8, count: usize) {
        *self.checked.entry(invariant).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
    }

    fn add(&mut self, discrepancy: Discrepancy) {
        if self.found.len() < MOST {
            self.found.push(discrepancy);
        } else {
            self.omitted += 1;
        }
    }

    /// Adds one that nothing can resolve, about the whole of a store.
    pub fn add_final(&mut self, invariant: u8, subject: String, detail: impl Into<String>) {
        self.add(Discrepancy { is_final: true, ..Discrepancy::new(invariant, subject, detail, Source::Store) });
    }

    /// Adds one about a capture of which payment has no row. The row is committed before the provider is called, but it
    /// may have been read before that.
    pub fn add_unknown_capture(&mut self, payment_id: i64) {
        let detail = "the provider has a charge, payment has no row for it";
        self.add(Discrepancy::new(2, format!("payment {payment_id}"), detail, Source::Capture(payment_id)));
    }
}

/// The facts about one order, and where its discrepancies go.
struct OrderCheck<'f> {
    order_id: OrderId,
    order: Option<&'f AuditedOrder>,
    has_units: bool,
    payments: Vec<&'f AuditedPayment>,
    findings: &'f mut Findings,
}

/// Checks the stock of every product against its ledger, and the ledger against the reservations. All of it was read in
/// one snapshot.
pub fn check_stock(products: &[ProductStock], findings: &mut Findings) {
    for invariant in [1, 9] {
        findings.add_checked(invariant, products.len());
    }
    for product in products {
        let subject = format!("product {}", product.product_id);
        if product.stock < 0 {
            findings.add_final(1, subject.clone(), format!("its stock is {}", product.stock));
        }
        let due = product.initial + product.adjusted - product.reserved - product.sold;
        if product.stock != due {
            findings.add_final(1, subject.clone(), format!("its stock is {}, its ledger says {due}", product.stock));
        }
        for (word, ledger, orders) in
            [("reserved", product.reserved, product.held_by_orders), ("sold", product.sold, product.sold_to_orders)]
        {
            if ledger != orders {
                let detail = format!("its ledger has {ledger} units {word}, the reservations {orders}");
                findings.add_final(9, subject.clone(), detail);
            }
        }
    }
}

/// Checks every order of a range.
pub fn check_orders(range: &OrderRange, now: Timestamp, findings: &mut Findings) {
    let paid = range.orders.iter().filter(|order| order.is_paid).count();
    let counts = [
        (2, range.payments.len()),
        (3, paid),
        (4, range.payments.iter().filter(|payment| payment.captured).count()),
        (5, range.reservations.len()),
        (7, range.orders.len()),
        (8, paid),
        (10, range.orders.len() + range.payments.len()),
    ];
    for (invariant, count) in counts {
        findings.add_checked(invariant, count);
    }
    if range.repeated_effects > 0 {
        let detail = format!("{} effects happened more than once", range.repeated_effects);
        findings.add_final(7, "store of order".to_owned(), detail);
    }
    let orders: BTreeMap<OrderId, &AuditedOrder> = range.orders.iter().map(|order| (order.order_id, order)).collect();
    let with_units = range.reservations.iter().filter(|reservation| reservation.state.has_units());
    let with_units: BTreeSet<OrderId> = with_units.map(|reservation| reservation.order_id).collect();
    let mut payments: BTreeMap<OrderId, Vec<&AuditedPayment>> = BTreeMap::new();
    for payment in &range.payments {
        payments.entry(payment.order_id).or_default().push(payment);
    }
    let ids: BTreeSet<OrderId> = orders.keys().chain(&with_units).chain(payments.keys()).copied().collect();
    for order_id in ids {
        let mut check = OrderCheck {
            order_id,
            order: orders.get(&order_id).copied(),
            has_units: with_units.contains(&order_id),
            payments: payments.remove(&order_id).unwrap_or_default(),
            findings: &mut *findings,
        };
        check.provider();
        check.paid();
        check.captures();
        check.units();
        check.age(now);
    }
}

/// Returns the minor units of the refunds that are `status` in payment's record.
fn sum(payment: &AuditedPayment, status: RefundStatus) -> i64 {
    payment.refunds.iter().filter(|refund| refund.status == status).map(|refund| refund.amount.minor).sum()
}

/// Returns the minor units of the refunds that succeeded in payment's record.
fn returned(payment: &AuditedPayment) -> i64 {
    sum(payment, RefundStatus::Succeeded)
}

/// Returns the minor units that are on their way back, which may take a bank days.
fn in_progress(payment: &AuditedPayment) -> i64 {
    sum(payment, RefundStatus::Processing)
}

/// Returns what the provider's books have under a payment; if they were not read, payment's record of them.
fn held(payment: &AuditedPayment) -> Held {
    payment.held.unwrap_or_else(|| {
        let captured = if payment.captured { payment.amount.minor } else { 0 };
        Held { captured, refunded: if payment.captured { returned(payment) } else { 0 }, is_older: false }
    })
}

fn is_fully_refunded(payment: &AuditedPayment) -> bool {
    let Held { captured, refunded, .. } = held(payment);
    // The books count a refund from when the provider accepts it; without them, the record of it does.
    let accepted = if payment.held.is_none() { refunded + in_progress(payment) } else { refunded };
    captured > 0 && captured == accepted
}

impl OrderCheck<'_> {
    /// Adds a discrepancy that may resolve while the shop runs.
    fn add(&mut self, invariant: u8, subject: String, detail: impl Into<String>, payment: Option<&AuditedPayment>) {
        let is_open = |payment: &&AuditedPayment| {
            payment.status == Status::Processing
                || payment.refunds.iter().any(|refund| refund.status == RefundStatus::Processing)
        };
        let is_listed =
            |payment: &&AuditedPayment| payment.provider() == Some(ProviderName::Stripe) && payment.held.is_some();
        let payment = payment.map(|payment| payment.payment_id.get());
        let order = self.order_id.get();
        self.findings.add(Discrepancy {
            about: payment.into_iter().chain([order]).collect(),
            awaits_provider: self.payments.iter().any(is_open),
            rests_on_list: self.payments.iter().any(is_listed),
            ..Discrepancy::new(invariant, subject, detail, Source::Order(order))
        });
    }

    /// Adds a discrepancy that nothing can resolve.
    fn add_final(&mut self, invariant: u8, subject: String, detail: impl Into<String>) {
        let source = Source::Order(self.order_id.get());
        self.findings.add(Discrepancy { is_final: true, ..Discrepancy::new(invariant, subject, detail, source) });
    }

    fn add_about_order(&mut self, invariant: u8, detail: impl Into<String>) {
        self.add(invariant, format!("order {}", self.order_id), detail, None);
    }

    /// Adds a discrepancy that nothing can resolve, unless the provider's books are older than the rows.
    fn add_about_books(&mut self, invariant: u8, subject: String, detail: impl Into<String>, payment: &AuditedPayment) {
        if held(payment).is_older {
            self.add(invariant, subject, detail, Some(payment));
        } else {
            self.add_final(invariant, subject, detail);
        }
    }

    /// Compares each payment with what the provider's books have under it.
    fn provider(&mut self) {
        let mut unrefunded = Vec::new();
        for payment in self.payments.clone() {
            let subject = format!("payment {}", payment.payment_id);
            let Held { captured, refunded, is_older } = held(payment);
            if captured > 0 && captured != payment.amount.minor {
                let detail = format!("captured {captured}, but the payment is of {}", payment.amount.minor);
                self.add_about_books(2, subject.clone(), detail, payment);
            } else if payment.captured && captured == 0 {
                let detail = "its row is captured, the provider captured nothing";
                self.add_about_books(2, subject.clone(), detail, payment);
            } else if captured > 0 && !payment.captured {
                let detail = format!("the provider captured it, its row is {:?}", payment.status);
                self.add(2, subject.clone(), detail, Some(payment));
            }
            if refunded > captured {
                self.add_about_books(4, subject.clone(), format!("refunded {refunded} of {captured}"), payment);
            }
            let (returned, in_progress) = (returned(payment), in_progress(payment));
            if captured > refunded + in_progress {
                unrefunded.push(payment.payment_id);
            }
            if returned > refunded {
                let detail = format!("its rows refund {returned}, the provider refunded {refunded}");
                self.add_about_books(2, subject, detail, payment);
            } else if refunded > returned + if is_older { in_progress } else { 0 } {
                let detail = format!("the provider refunded {refunded}, its rows refund {returned}");
                self.add(2, subject, detail, Some(payment));
            }
        }
        if unrefunded.len() > 1 {
            let detail = format!("captured {} times and not refunded: {unrefunded:?}", unrefunded.len());
            self.add_final(2, format!("order {}", self.order_id), detail);
        }
    }

    fn paid(&mut self) {
        let Some(order) = self.order.filter(|order| order.is_paid) else { return };
        let payment = self.payments.iter().find(|payment| order.payment_id == Some(payment.payment_id)).copied();
        let has_refund = payment.is_some_and(is_fully_refunded);
        let is_owed = if order.is_cancelled { !has_refund } else { !self.has_units && !has_refund };
        if is_owed {
            self.add_about_order(3, "it is paid, but has neither its stock nor its refund");
        }
        match payment {
            None => self.add_about_order(8, "it is paid, but payment has no payment for it"),
            Some(payment) if !payment.captured => {
                let detail = format!("it is paid, but its payment {} is not captured", payment.payment_id);
                self.add_about_order(8, detail);
            }
            Some(payment) if payment.amount != order.total => {
                let detail = format!("its total is {}, its capture {}", order.total, payment.amount);
                self.add_about_order(8, detail);
            }
            Some(_) => {}
        }
    }

    fn captures(&mut self) {
        for payment in self.payments.clone().into_iter().filter(|payment| payment.captured) {
            let is_paid =
                self.order.is_some_and(|order| order.payment_id == Some(payment.payment_id) && !order.is_cancelled);
            if !is_paid && !is_fully_refunded(payment) {
                let subject = format!("payment {}", payment.payment_id);
                let detail = format!("captured, but order {} is not paid by it, and it is not refunded", self.order_id);
                self.add(4, subject, detail, Some(payment));
            }
        }
    }

    fn units(&mut self) {
        match self.order {
            None if self.has_units => self.add_about_order(5, "units are reserved for it, but it does not exist"),
            Some(order) if order.is_cancelled && self.has_units => {
                self.add_about_order(5, "units are reserved for it, but it is cancelled");
            }
            Some(order) if order.is_confirmed && !order.is_cancelled && !self.has_units => {
                self.add_about_order(5, "it is confirmed, but no units are reserved for it");
            }
            None | Some(_) => {}
        }
    }

    fn age(&mut self, now: Timestamp) {
        let is_stuck = |since: Timestamp| now.since(since) > STUCK;
        if self.order.is_some_and(|order| order.is_undecided && is_stuck(order.order_date)) {
            self.add_about_order(10, "it was created over 5 minutes ago and is neither confirmed nor cancelled");
        }
        for payment in self.payments.clone() {
            if payment.status == Status::Processing && is_stuck(payment.claimed_at) {
                let subject = format!("payment {}", payment.payment_id);
                let detail = "it was claimed over 5 minutes ago, and its outcome is not known";
                self.add(10, subject, detail, Some(payment));
            }
        }
    }
}
