//! Decisions about the payments of one order, without a store: versions, and what is refunded in full.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use souk_events::PaymentTerms;
use souk_payment::{
    order_payments::{Decision, KnownOrder, NextRefund, OrderPayments, OrderState, PaymentEvent},
    payment::{FailureCode, RefundRequest, RequestKey, Status},
    provider_account::ProviderAccount,
};
use souk_values::{Clock, IdGen, PaymentId, RefundId, ShiftedClock};

use crate::rig::euro;

struct Bench {
    clock: Arc<ShiftedClock>,
    ids: IdGen,
}

impl Bench {
    fn new() -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        Self { ids: IdGen::new(clock.clone()), clock }
    }

    /// Returns a confirmed order of `minor` cents without payments.
    fn order(&self, minor: i64) -> OrderPayments {
        let order = KnownOrder {
            order_id: self.ids.next(),
            user_id: self.ids.next(),
            amount: euro(minor),
            terms: PaymentTerms::OnDelivery,
            state: OrderState::Confirmed,
            pay_by: None,
            version: 2,
        };
        OrderPayments { order, payments: Vec::new(), row_version: 1 }
    }

    fn claim(&self, known: OrderPayments) -> (OrderPayments, PaymentId) {
        let payment = self.ids.next();
        let payer = known.order.user_id;
        let claimed = known.claim(payment, payer, self.key(), ProviderAccount::sandbox(), self.clock.now()).unwrap();
        (claimed, payment)
    }

    fn capture(&self, known: OrderPayments, payment: PaymentId) -> Decision {
        known.record_capture(payment, self.clock.now(), self.next_refund()).unwrap()
    }

    fn request_refund(&self, known: OrderPayments, payment: PaymentId, minor: i64) -> (OrderPayments, RefundId) {
        let next_refund = self.next_refund();
        let request = RefundRequest { admin: self.ids.next(), key: self.key() };
        let after = known.request_refund(payment, Some(euro(minor)), request, next_refund).unwrap();
        (after, next_refund.refund_id)
    }

    fn next_refund(&self) -> NextRefund {
        NextRefund { refund_id: self.ids.next(), now: self.clock.now() }
    }

    fn key(&self) -> RequestKey {
        RequestKey { key_hash: self.ids.token(8), body_hash: "body".to_owned() }
    }
}

/// Returns the version of the only payment, and that of the only event.
fn versions(decision: &Decision) -> (i64, i64) {
    assert_eq!((decision.after.payments.len(), decision.events.len()), (1, 1));
    let of_event = match &decision.events[0] {
        PaymentEvent::Succeeded(event) => event.version,
        PaymentEvent::Failed(event) => event.version,
        PaymentEvent::Refunded(event) => event.version,
        PaymentEvent::RefundFailed(event) => event.version,
    };
    (decision.after.payments[0].version, of_event)
}

/// Consumers ignore an event whose version they know.
#[test]
fn each_event_of_a_payment_has_the_next_version() {
    let bench = Bench::new();
    let (claimed, payment) = bench.claim(bench.order(1_000));
    assert_eq!(claimed.payments[0].version, 1);
    let captured = bench.capture(claimed.clone(), payment);
    assert_eq!(versions(&captured), (2, 2));
    let (due, refund) = bench.request_refund(captured.after, payment, 400);
    assert_eq!(due.payments[0].version, 2, "it is not published");
    let refunded = due.record_refund(refund, bench.clock.now()).unwrap();
    assert_eq!(versions(&refunded), (3, 3));
    let returned = refunded.after.record_refund_failure(refund, bench.clock.now()).unwrap();
    assert_eq!(versions(&returned), (4, 4));

    let failed = claimed.record_failure(payment, FailureCode::CardDeclined).unwrap();
    assert_eq!(versions(&failed), (2, 2));
    let captured = bench.capture(failed.after, payment);
    assert_eq!((captured.after.payments[0].version, captured.events), (3, Vec::new()));
}

#[test]
fn a_capture_of_nothing_is_paid_and_not_refunded() {
    let bench = Bench::new();
    let (claimed, payment) = bench.claim(bench.order(0));
    let captured = bench.capture(claimed, payment).after;
    assert_eq!((captured.payments[0].status(), captured.full_refund()), (Status::Succeeded, None));
}

#[test]
fn the_full_refund_is_the_last_one_that_returned_money() {
    let bench = Bench::new();
    let (declined, payment) = bench.claim(bench.order(1_000));
    let declined = declined.record_failure(payment, FailureCode::CardDeclined).unwrap().after;
    let (claimed, payment) = bench.claim(declined);
    let mut known = bench.capture(claimed, payment).after;
    let mut last = None;
    for (minor, is_refused) in [(400, false), (600, true), (600, false)] {
        assert_eq!(known.full_refund(), None);
        bench.clock.advance(Duration::from_secs(1));
        let (due, refund) = bench.request_refund(known, payment, minor);
        let now = bench.clock.now();
        let settled = if is_refused { due.record_refund_failure(refund, now) } else { due.record_refund(refund, now) };
        known = settled.unwrap().after;
        last = Some(refund);
    }
    assert_eq!(known.full_refund(), last);
}
