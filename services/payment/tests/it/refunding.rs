//! Refunds: requested by an admin, due after a cancellation, and of captures that were reported after a failure.

use futures::future::join_all;
use serde_json::json;
use souk_events::{PaymentRefunded, queue};
use souk_payment::provider::{PaymentProvider, sandbox::Sandbox};
use souk_testkit::eventually;
use souk_values::{PaymentId, Secret};

use crate::{
    rig::{PRICE, Rig, SETTLE, cancelled, cancelled_event, euro},
    webhooks::signed,
};

#[tokio::test]
async fn an_admin_returns_a_part_and_then_the_rest() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    let id = &paid["paymentId"];
    let part = rig.refund(id, "r1", Some(500)).await.expect(200).json;
    assert_eq!((&part["status"], &part["refundedAmount"]["amount"]), (&json!("succeeded"), &json!(500)));
    assert_eq!(rig.refund(id, "r1", Some(500)).await.expect(200).json, part, "a key takes effect once");
    rig.refund(id, "r1", Some(501)).await.is_problem(422, "idempotency_key.reused");
    rig.refund(id, "r2", Some(PRICE - 499)).await.is_problem(422, "payment.refund_too_large");
    let rest = rig.refund(id, "r3", None).await.expect(200).json;
    assert_eq!((&rest["status"], &rest["refundedAmount"]["amount"]), (&json!("refunded"), &json!(PRICE)));
    rig.refund(id, "r4", None).await.is_problem(409, "payment.not_refundable");
    rig.pay(order.order_id, "k2", "tok_visa").await.is_problem(409, "payment.already_paid");
    let published: Vec<PaymentRefunded> = rig.published(&queue::NOTIFICATION_PAYMENTS).await;
    let published: Vec<_> =
        published.iter().map(|event| (event.amount.minor, event.refunded_amount.minor, event.in_full)).collect();
    assert_eq!(published, [(500, 500, false), (PRICE - 500, PRICE, true)]);
    assert_eq!(rig.state(order.order_id).await["refunded"]["amount"], PRICE);
    assert_eq!(rig.movements().await, (1, 2));
}

#[tokio::test]
async fn a_refund_that_is_not_possible_is_refused() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let failed = rig.pay(order.order_id, "k", "tok_declined").await.expect(201).json;
    rig.refund(&failed["paymentId"], "r", None).await.is_problem(409, "payment.not_refundable");
    rig.refund(&json!(424_242), "r", None).await.is_problem(404, "payment.not_found");
    let paid = rig.pay(order.order_id, "k2", "tok_visa").await.expect(201).json;
    let path = format!("/payments/{}/refund", paid["paymentId"]);
    let yen = json!({"amount": {"amount": 5, "currency": "JPY"}});
    rig.admin().post_keyed(&path, "r", yen).await.is_problem(422, "payment.currency_mismatch");
    rig.refund(&paid["paymentId"], "r", Some(0)).await.is_problem(422, "body.not_allowed");
    rig.client().post_keyed(&path, "r", json!({})).await.is_problem(403, "auth.forbidden");
    rig.admin().post(&path, json!({})).await.is_problem(400, "idempotency_key.required");
    assert_eq!(rig.movements().await, (1, 0));
}

#[tokio::test]
async fn concurrent_refunds_return_no_more_than_the_capture() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    let keys: Vec<String> = (0..12).map(|number| format!("r{number}")).collect();
    let answers = join_all(keys.iter().map(|key| rig.refund(&paid["paymentId"], key, Some(500)))).await;
    let accepted = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert_eq!(accepted, 3, "3 × 500 of 1999");
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 422)));
    assert_eq!(rig.movements().await, (1, 3));
    assert_eq!(rig.payment(&paid["paymentId"]).await["refundedAmount"]["amount"], 1_500);
}

#[tokio::test]
async fn a_cancelled_order_refunds_the_remainder() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    rig.refund(&paid["paymentId"], "r", Some(500)).await.expect(200);
    rig.world.publish(&cancelled_event(&order, 4)).await;
    eventually("it is returned", || async { rig.payment(&paid["paymentId"]).await["status"] == "refunded" }).await;
    let ledger = rig.facts().await.ledger;
    let refunds: Vec<i64> = ledger.iter().skip(1).map(|entry| entry.amount.minor).collect();
    assert_eq!(refunds.iter().sum::<i64>(), PRICE);
    assert_eq!(refunds.len(), 2);
}

#[tokio::test]
async fn a_capture_after_the_cancellation_is_refunded() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json;
    rig.world.deps.transport.publish(&[cancelled(&rig.world, &order, 3)]).await.unwrap();
    eventually("the order is closed", || async {
        rig.fail_order(order.order_id);
        rig.pay(order.order_id, "k2", "tok_visa").await.json["code"] == "payment.order_not_payable"
    })
    .await;
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "processing");
    rig.world.clock.advance(SETTLE);
    eventually("it is returned", || async { rig.payment(&open["paymentId"]).await["status"] == "refunded" }).await;
    assert_eq!(rig.movements().await, (1, 1));
}

#[tokio::test]
async fn a_capture_reported_for_a_failed_payment_is_refunded() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let failed = rig.pay(order.order_id, "k", "tok_provider_down").await.expect(201).json;
    let id: PaymentId = failed["paymentId"].to_string().parse().unwrap();
    // The provider captures the money after all.
    let ledger = rig.world.store_url("sandbox");
    let sandbox = Sandbox::open(&ledger, Secret::default(), rig.world.clock.clone()).await.unwrap();
    sandbox.charge(id, euro(PRICE), &Secret::new("tok_visa".to_owned())).await.unwrap();
    let body = json!({"paymentId": id}).to_string();
    signed(&rig, &body).send(reqwest::Method::POST, "/payments/webhooks/sandbox", Some(body.clone())).await.expect(204);
    signed(&rig, &body).send(reqwest::Method::POST, "/payments/webhooks/sandbox", Some(body.clone())).await.expect(204);
    eventually("it is returned", || async { rig.movements().await == (1, 1) }).await;
    eventually("that is recorded", || async {
        rig.payment(&failed["paymentId"]).await["refundedAmount"]["amount"] == PRICE
    })
    .await;
    assert_eq!(rig.payment(&failed["paymentId"]).await["status"], "failed", "failed is final");
    let published: Vec<PaymentRefunded> = rig.published(&queue::NOTIFICATION_PAYMENTS).await;
    assert!(!published[0].in_full, "the refund is not of the order's money");
    // The order is paid by another attempt, whose money stays.
    let paid = rig.pay(order.order_id, "k2", "tok_visa").await.expect(201).json;
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(rig.movements().await, (2, 1));
}
