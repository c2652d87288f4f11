//! Concurrent captures and cancellations over HTTP, and random sequences of changes of one order's payments.

use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::*;
use souk_payment::{
    order_payments::{Decision, KnownOrder, NextRefund, OrderPayments, OrderState, PaymentEvent},
    payment::{FailureCode, RefundRequest, RefundStatus, RequestKey, Status},
    provider_account::ProviderAccount,
};
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, ShiftedClock, Timestamp, UserId};

use crate::rig::{Rig, at, cancelled, euro, facts};

#[tokio::test]
async fn paying_and_cancelling_concurrently_never_keeps_the_money_of_a_cancelled_order() {
    let rig = Rig::new().await;
    let orders: Vec<_> = (0..30).map(|_| rig.confirmed()).collect();
    join_all(orders.iter().enumerate().map(|(number, order)| {
        let rig = &rig;
        async move {
            let cancel = cancelled(&rig.world, order, 3);
            let key = number.to_string();
            let pay = rig.pay(order.order_id, &key, "tok_visa");
            let cancel = async { rig.world.deps.transport.publish(&[cancel]).await.unwrap() };
            let (answer, _) = if number % 2 == 0 {
                futures::join!(pay, cancel)
            } else {
                let (ids, answer) = futures::join!(cancel, pay);
                (answer, ids)
            };
            assert!(matches!(answer.status.as_u16(), 201 | 409), "{}", answer.text);
        }
    }))
    .await;
    eventually("all that was captured is returned", || async {
        let facts = rig.facts().await;
        let is_returned = |order: OrderId| {
            let of_order = facts.ledger.iter().filter(|entry| entry.order_id == Some(order));
            let captures = of_order.clone().filter(|entry| entry.key == entry.payment_id).count();
            captures <= 1 && of_order.count() == 2 * captures
        };
        facts.payments.iter().all(|payment| payment.status != Status::Processing && payment.status != Status::Succeeded)
            && orders.iter().all(|order| is_returned(order.order_id))
    })
    .await;
    for order in &orders {
        rig.fail_order(order.order_id);
        let refused = rig.pay(order.order_id, &format!("late{}", order.order_id), "tok_visa").await;
        assert_eq!(refused.status.as_u16(), 409, "{}", refused.text);
    }
}

#[derive(Debug, Clone)]
enum PaymentAct {
    Claim,
    Capture(usize),
    Refuse(usize),
    Cancel,
    RequestAll(usize),
    Request(usize, i64),
    Return(usize),
    RefuseRefund(usize),
}

fn acts() -> impl Strategy<Value = Vec<PaymentAct>> {
    let act = prop_oneof![
        Just(PaymentAct::Claim),
        (0_usize..4).prop_map(PaymentAct::Capture),
        (0_usize..4).prop_map(PaymentAct::Refuse),
        Just(PaymentAct::Cancel),
        (0_usize..4).prop_map(PaymentAct::RequestAll),
        ((0_usize..4), -5_i64..1_200).prop_map(|(payment, minor)| PaymentAct::Request(payment, minor)),
        (0_usize..12).prop_map(PaymentAct::Return),
        (0_usize..12).prop_map(PaymentAct::RefuseRefund),
    ];
    proptest::collection::vec(act, 0..40)
}

fn key(text: &str) -> RequestKey {
    RequestKey { key_hash: text.to_owned(), body_hash: "body".to_owned() }
}

fn claim(known: OrderPayments, ids: &IdGen, now: Timestamp) -> Option<OrderPayments> {
    let payer = known.order.user_id;
    known.claim(ids.next(), payer, key(&ids.token(8)), ProviderAccount::sandbox(), now).ok()
}

fn run(
    before: OrderPayments,
    act: &PaymentAct,
    ids: &IdGen,
    clock: &ShiftedClock,
) -> (OrderPayments, Vec<PaymentEvent>) {
    let now = clock.now();
    let next_refund = NextRefund { refund_id: ids.next(), now };
    let payment = |number: usize| before.payments.get(number).map(|payment| payment.payment_id);
    let refunds: Vec<_> = before.payments.iter().flat_map(|payment| &payment.refunds).collect();
    let refund = |number: usize| refunds.get(number).map(|refund| refund.refund_id);
    let request = RefundRequest { admin: before.order.user_id, key: key(&ids.token(8)) };
    let plain = |after: Option<OrderPayments>| after.map(|after| Decision { after, events: Vec::new() });
    let known = before.clone();
    let decision = match act {
        PaymentAct::Claim => plain(claim(known, ids, now)),
        PaymentAct::Capture(number) => payment(*number).and_then(|id| known.record_capture(id, now, next_refund)),
        PaymentAct::Refuse(number) => {
            payment(*number).and_then(|id| known.record_failure(id, FailureCode::CardDeclined))
        }
        PaymentAct::Cancel => {
            let version = known.order.version + 1;
            let order = KnownOrder { state: OrderState::Cancelled, version, ..known.order.clone() };
            plain(OrderPayments::apply_order(Some(known), &order, next_refund))
        }
        PaymentAct::RequestAll(number) => {
            plain(payment(*number).and_then(|id| known.request_refund(id, None, request, next_refund).ok()))
        }
        PaymentAct::Request(number, minor) => plain(
            payment(*number).and_then(|id| known.request_refund(id, Some(euro(*minor)), request, next_refund).ok()),
        ),
        PaymentAct::Return(number) => refund(*number).and_then(|id| known.record_refund(id, now)),
        PaymentAct::RefuseRefund(number) => refund(*number).and_then(|id| known.record_refund_failure(id, now)),
    };
    decision.map_or((before, Vec::new()), |decision| (decision.after, decision.events))
}

proptest! {
    #[test]
    fn refunds_never_exceed_the_capture_and_an_order_has_one_claim(acts in acts()) {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let user: UserId = ids.next();
        let order = KnownOrder {
            order_id: ids.next(),
            user_id: user,
            amount: Money::new(1_000, Currency::EUR),
            terms: souk_events::PaymentTerms::OnDelivery,
            state: OrderState::Confirmed,
            pay_by: None,
            version: 2,
        };
        let mut current = OrderPayments { order, payments: Vec::new(), row_version: 1 };
        let mut published = Vec::new();
        for act in &acts {
            let (after, events) = run(current, act, &ids, &clock);
            current = after;
            published.extend(events);
            prop_assert!(current.payments.iter().filter(|payment| payment.holds_claim()).count() <= 1);
            for payment in &current.payments {
                let promised: i64 = payment.refunds.iter()
                    .filter(|refund| refund.status != RefundStatus::Failed)
                    .map(|refund| refund.amount.minor).sum();
                prop_assert!(payment.refunds.iter().all(|refund| refund.amount.minor > 0));
                let captured = if payment.captured_at().is_some() { payment.amount.minor } else { 0 };
                prop_assert!(promised <= captured, "{promised} of {captured}");
                prop_assert_eq!(payment.refundable_amount().minor, captured - promised);
            }
            if current.order.is_cancelled() {
                let kept = current.payments.iter().filter(|payment| {
                    payment.refundable_amount().minor > 0
                        && payment.refunds.iter().all(|refund| refund.status != RefundStatus::Failed)
                });
                prop_assert_eq!(kept.count(), 0, "everything that a cancelled order captured is due for a refund");
            }
        }
        let succeeded = published.iter().filter(|event| matches!(event, PaymentEvent::Succeeded(_))).count();
        prop_assert!(succeeded <= 1);
        let refunded: i64 = published.iter().filter_map(|event| match event {
            PaymentEvent::Refunded(refunded) => Some(refunded.amount.minor),
            PaymentEvent::RefundFailed(failed) if failed.had_succeeded => Some(-failed.amount.minor),
            PaymentEvent::RefundFailed(_) | PaymentEvent::Succeeded(_) | PaymentEvent::Failed(_) => None,
        }).sum();
        let recorded = current.payments.iter().map(|payment| payment.refunded_amount().minor).sum::<i64>();
        prop_assert_eq!(refunded, recorded);
    }
}

#[tokio::test]
async fn no_version_reopens_a_cancelled_order() {
    let world = World::new().await;
    let next_refund = || NextRefund { refund_id: world.deps.ids.next(), now: world.clock.now() };
    let order = KnownOrder::new(&facts(&world, world.user(), 2), OrderState::Confirmed);
    let known = OrderPayments::apply_order(None, &order, next_refund()).unwrap();
    let cancelled = KnownOrder { version: 3, state: OrderState::Cancelled, ..order.clone() };
    let after = OrderPayments::apply_order(Some(known), &cancelled, next_refund()).unwrap();
    assert!(OrderPayments::apply_order(Some(after.clone()), &order, next_refund()).is_none());
    let higher = KnownOrder::new(&at(&facts(&world, world.user(), 2), 9), OrderState::Confirmed);
    let after = OrderPayments::apply_order(Some(after), &higher, next_refund()).unwrap();
    assert!(after.order.is_cancelled(), "a cancellation is final");
}
