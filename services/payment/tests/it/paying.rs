//! Paying with every card of the sandbox, idempotency keys, and the orders that can be paid.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use souk_events::{CancelReason, OrderFacts, PaymentFailed, PaymentSucceeded, PaymentTerms, queue};
use souk_testkit::eventually;

use crate::rig::{PRICE, Rig, at, card, confirmed, facts};

#[tokio::test]
async fn a_good_card_pays_and_its_event_is_published() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["orderId"], json!(order.order_id));
    assert_eq!(paid["userId"], json!(rig.user));
    assert_eq!(paid["amount"], json!({"amount": PRICE, "currency": "EUR"}));
    assert_eq!(paid["refundedAmount"], json!({"amount": 0, "currency": "EUR"}));
    assert!(paid.get("failureCode").is_none());
    let published: Vec<PaymentSucceeded> = rig.published(&queue::ORDER_PAYMENTS).await;
    assert_eq!(published.len(), 1);
    assert_eq!((published[0].order_id, published[0].amount.minor, published[0].version), (order.order_id, PRICE, 2));
    let state = rig.state(order.order_id).await;
    assert_eq!(state["captured"], serde_json::to_value(&published[0]).unwrap());
    assert_eq!(state["processing"], false);
    let listed = rig.client().get(&format!("/payments?orderId={}", order.order_id)).await.expect(200).json;
    assert_eq!(listed["items"], json!([paid]));
    assert_eq!(listed["total"], 1);
    rig.pay(order.order_id, "k2", "tok_visa").await.is_problem(409, "payment.already_paid");
    assert_eq!(rig.movements().await, (1, 0));
}

#[tokio::test]
async fn refused_cards_fail_and_another_attempt_may_be_made() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    for (token, code) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_provider_down", "provider_unavailable"),
    ] {
        let failed = rig.pay(order.order_id, token, token).await.expect(201).json;
        assert_eq!((&failed["status"], &failed["failureCode"]), (&json!("failed"), &json!(code)));
        let again = rig.pay(order.order_id, token, token).await.expect(201).json;
        assert_eq!(again, failed, "failed is final under its key");
    }
    let published: Vec<PaymentFailed> = rig.published(&queue::NOTIFICATION_PAYMENTS).await;
    assert_eq!(published.len(), 3);
    let paid = rig.pay(order.order_id, "last", "tok_visa").await.expect(201).json;
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(rig.movements().await, (1, 0));
}

#[tokio::test]
async fn a_slow_card_is_captured_after_its_delay() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paying = tokio::spawn({
        let client = rig.client();
        let order = order.order_id;
        async move { client.post_keyed("/payments", "k", card(order, "tok_slow")).await }
    });
    eventually("the payment is claimed", || async { rig.state(order.order_id).await["processing"] == true }).await;
    rig.world.clock.advance(Duration::from_secs(1));
    assert_eq!(paying.await.unwrap().expect(201).json["status"], "succeeded");
}

#[tokio::test]
async fn an_unknown_token_is_refused_and_claims_nothing() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    rig.pay(order.order_id, "k", "tok_unheard_of").await.is_problem(422, "payment.token_unknown");
    assert!(rig.facts().await.payments.is_empty());
    rig.pay(order.order_id, "k", "tok_visa").await.expect(201);
}

#[tokio::test]
async fn a_repeated_key_returns_the_current_payment_and_another_body_is_refused() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let first = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    assert_eq!(rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json, first);
    rig.pay(order.order_id, "k", "tok_declined").await.is_problem(422, "idempotency_key.reused");
    let other = rig.confirmed();
    rig.pay(other.order_id, "k", "tok_visa").await.is_problem(422, "idempotency_key.reused");
    // On an engine that folds case, this must not be the same key.
    assert_eq!(rig.pay(other.order_id, "K", "tok_visa").await.expect(201).json["status"], "succeeded");
    let _ = rig.refund(&first["paymentId"], "r", None).await.expect(200);
    assert_eq!(rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json["status"], "refunded");
    assert_eq!(rig.movements().await, (2, 1));
}

#[tokio::test]
async fn concurrent_requests_with_one_key_make_one_payment() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let answers = join_all((0..20).map(|_| rig.pay(order.order_id, "k", "tok_visa"))).await;
    let ids: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| answer.expect(201).json["paymentId"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(rig.movements().await, (1, 0));
}

#[tokio::test]
async fn fifty_concurrent_attempts_capture_once() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    let answers = join_all(keys.iter().map(|key| rig.pay(order.order_id, key, "tok_visa"))).await;
    let mut paid = 0;
    for answer in &answers {
        match answer.status.as_u16() {
            201 => paid += 1,
            _ if answer.json["code"] == "payment.in_progress" => answer.is_problem(409, "payment.in_progress"),
            _ => answer.is_problem(409, "payment.already_paid"),
        }
    }
    assert_eq!(paid, 1);
    assert_eq!(rig.movements().await, (1, 0));
    assert_eq!(rig.facts().await.payments.len(), 1);
}

#[tokio::test]
async fn only_the_callers_confirmed_order_can_be_paid_until_pay_by() {
    let rig = Rig::new().await;
    let unknown = facts(&rig.world, rig.user, 2);
    rig.pay(unknown.order_id, "a", "tok_visa").await.is_problem(404, "payment.order_not_found");
    let anothers = facts(&rig.world, rig.world.user(), 2);
    rig.set_order(&anothers, true, None);
    rig.pay(anothers.order_id, "b", "tok_visa").await.is_problem(404, "payment.order_not_found");
    let admin = rig.admin().post_keyed("/payments", "c", card(anothers.order_id, "tok_visa")).await;
    admin.is_problem(404, "payment.order_not_found");

    let order = facts(&rig.world, rig.user, 1);
    rig.set_order(&order, false, None);
    rig.pay(order.order_id, "d", "tok_visa").await.is_problem(409, "payment.order_not_payable");
    rig.set_order(&at(&order, 3), false, Some(CancelReason::Customer));
    rig.pay(order.order_id, "e", "tok_visa").await.is_problem(409, "payment.order_not_payable");

    let late = rig.confirmed();
    let on_delivery =
        OrderFacts { payment_terms: PaymentTerms::OnDelivery, pay_by: None, ..facts(&rig.world, rig.user, 2) };
    rig.set_order(&on_delivery, true, None);
    rig.world.clock.advance(Duration::from_secs(31 * 60));
    rig.pay(late.order_id, "f", "tok_visa").await.is_problem(409, "payment.order_not_payable");
    assert_eq!(rig.pay(on_delivery.order_id, "g", "tok_visa").await.expect(201).json["status"], "succeeded");
    assert_eq!(rig.facts().await.payments.len(), 1);
}

#[tokio::test]
async fn the_copy_decides_while_order_is_unavailable() {
    let rig = Rig::new().await;
    let order = facts(&rig.world, rig.user, 2);
    rig.fail_order(order.order_id);
    rig.pay(order.order_id, "a", "tok_visa").await.is_problem(503, "order.unavailable");
    rig.set_order(&at(&order, 1), false, None);
    rig.pay(order.order_id, "a", "tok_visa").await.is_problem(409, "payment.order_not_payable");
    // The order may be confirmed by now, although the copy is not.
    rig.fail_order(order.order_id);
    rig.pay(order.order_id, "a", "tok_visa").await.is_problem(503, "order.unavailable");
    rig.world.deps.transport.publish(&[confirmed(&rig.world, &order)]).await.unwrap();
    eventually("the copy is confirmed", || async {
        rig.pay(order.order_id, "b", "tok_visa").await.json["status"] == "succeeded"
    })
    .await;
}

#[tokio::test]
async fn the_order_service_decides_before_its_events_arrive() {
    let rig = Rig::new().await;
    // The events are late: only the order service knows the order's state.
    let order = rig.confirmed();
    rig.pay(order.order_id, "a", "tok_declined").await.expect(201);
    rig.set_order(&at(&order, 3), false, Some(CancelReason::Customer));
    rig.pay(order.order_id, "b", "tok_visa").await.is_problem(409, "payment.order_not_payable");
    // Its response was stored, although the event has not arrived.
    rig.fail_order(order.order_id);
    rig.pay(order.order_id, "c", "tok_visa").await.is_problem(409, "payment.order_not_payable");
    assert_eq!(rig.movements().await, (0, 0));
}

#[tokio::test]
async fn payments_are_visible_to_their_payer_and_to_admins() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    let path = format!("/payments/{}", paid["paymentId"]);
    assert_eq!(rig.client().get(&path).await.expect(200).json, paid);
    assert_eq!(rig.admin().get(&path).await.expect(200).json, paid);
    let stranger = rig.service.client.with_token(rig.world.customer(rig.world.user()));
    stranger.get(&path).await.is_problem(404, "payment.not_found");
    assert_eq!(stranger.get("/payments").await.expect(200).json["total"], 0);
    let of_order = format!("/payments?orderId={}", order.order_id);
    assert_eq!(stranger.get(&of_order).await.expect(200).json["total"], 0);
    assert_eq!(rig.admin().get(&format!("{of_order}&page=0&size=5")).await.expect(200).json["items"], json!([paid]));
    rig.client().get("/payments/424242").await.is_problem(404, "payment.not_found");
}
