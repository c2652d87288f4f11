//! Refunds with Stripe: each takes effect once, also after Stripe dropped its key.

use std::collections::HashMap;

use serde_json::Value;
use souk_payment::{
    audit,
    payment::RefundStatus,
    provider::{PaymentProvider, RefundOutcome},
};
use souk_testkit::eventually;
use souk_values::{Id, RefundId};

use crate::{
    rig::{PRICE, Rig, SETTLE, cancelled_event, config},
    stripe::{VISA, id, pay, provider, shop, shop_with},
    stripe_fake::{Fault, error},
};

async fn returned(rig: &Rig, payment: &Value) -> Value {
    rig.payment(&payment["paymentId"]).await.pointer("/refundedAmount/amount").cloned().unwrap()
}

/// Returns the statuses of all refunds, ordered by amount.
pub async fn statuses(rig: &Rig) -> Vec<RefundStatus> {
    let facts = Box::pin(audit::read(&config(&rig.world).store_url, None)).await.unwrap();
    let mut refunds: Vec<_> = facts.payments.into_iter().flat_map(|payment| payment.refunds).collect();
    refunds.sort_by_key(|refund| refund.amount.minor);
    refunds.iter().map(|refund| refund.status).collect()
}

#[tokio::test]
async fn a_part_and_the_remainder_are_refunded_once() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    let part = rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200).json;
    assert_eq!(part["refundedAmount"]["amount"], 500);
    rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200);
    let rest = rig.refund(&paid["paymentId"], "r2", None).await.expect(200).json;
    assert_eq!(rest["status"], "refunded");
    let amounts: Vec<Value> = stripe.state().refunds.iter().map(|refund| refund["amount"].clone()).collect();
    assert_eq!(amounts, [PRICE - 500, 500]);
}

#[tokio::test]
async fn a_cancelled_order_is_refunded_automatically() {
    let (rig, stripe) = shop().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", VISA).await.expect(201).json;
    rig.world.publish(&cancelled_event(&order, 4)).await;
    eventually("it is returned", || async { rig.payment(&paid["paymentId"]).await["status"] == "refunded" }).await;
    assert_eq!(stripe.state().refunds.len(), 1);
}

#[tokio::test]
async fn a_refund_with_a_lost_response_is_found_also_after_its_key_was_dropped() {
    for is_dropped in [false, true] {
        let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
        let paid = pay(&rig, VISA).await;
        stripe.state().page = Some(1);
        rig.refund(&paid["paymentId"], "r0", Some(100)).await.expect(200);
        stripe.next("POST /v1/refunds", Fault::Lost);
        let open = rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200).json;
        assert_eq!(open["refundedAmount"]["amount"], 100, "it is due, and its outcome is not known");
        rig.refund(&paid["paymentId"], "r2", Some(50)).await.expect(200);
        if is_dropped {
            stripe.drop_keys();
        }
        rig.world.clock.advance(SETTLE);
        eventually("it is settled", || async { returned(&rig, &paid).await == 650 }).await;
        assert_eq!(stripe.state().refunds.len(), 3, "dropped: {is_dropped}");
    }
}

#[tokio::test]
async fn a_refund_that_never_reached_stripe_is_sent_again() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    for response in [(500, error("api_error", None, None)), (401, error("invalid_request_error", None, None))] {
        let requests = || stripe.state().requests.iter().filter(|request| *request == "POST /v1/refunds").count();
        stripe.next("POST /v1/refunds", Fault::Response(response.0, response.1));
        let before = returned(&rig, &paid).await.as_i64().unwrap();
        rig.refund(&paid["paymentId"], &response.0.to_string(), Some(500)).await.expect(200);
        assert_eq!(returned(&rig, &paid).await, before, "it stays due");
        // Stripe repeats its answer under the same key, so the next attempt has another, once a look-up well after the
        // answer found nothing.
        let sent = requests();
        rig.world.clock.advance(SETTLE);
        eventually("it is returned", || async { returned(&rig, &paid).await == before + 500 }).await;
        assert_eq!(requests(), sent + 1);
    }
    assert_eq!(stripe.state().refunds.len(), 2);
    assert!(stripe.state().replies.keys().any(|key| key.ends_with("-2")), "{:?}", stripe.state().replies.keys());
}

#[tokio::test]
async fn a_refund_may_take_its_time_or_fail() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.state().refund_status = Some("pending");
    rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200);
    rig.refund(&paid["paymentId"], "r2", Some(600)).await.expect(200);
    assert_eq!(statuses(&rig).await, [RefundStatus::Processing; 2]);
    stripe.state().refunds[0]["status"] = "failed".into();
    stripe.state().refunds[1]["status"] = "succeeded".into();
    rig.world.clock.advance(SETTLE);
    let settled = [RefundStatus::Succeeded, RefundStatus::Failed];
    eventually("both are settled", || async { statuses(&rig).await == settled }).await;
    assert_eq!(returned(&rig, &paid).await, 500);
    assert_eq!(stripe.state().refunds.len(), 2);
}

#[tokio::test]
async fn a_refund_of_money_returned_by_hand_fails() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    let intent = stripe.intent(&paid["paymentId"])["id"].as_str().unwrap().to_owned();
    let by_hand = |minor: i64| {
        let form =
            HashMap::from([("payment_intent".to_owned(), intent.clone()), ("amount".to_owned(), minor.to_string())]);
        assert_eq!(stripe.state().refund(&form).0, 200);
    };
    by_hand(1_000);
    rig.refund(&paid["paymentId"], "r1", Some(1_500)).await.expect(200);
    by_hand(PRICE - 1_000);
    rig.refund(&paid["paymentId"], "r2", Some(500)).await.expect(200);
    assert_eq!(statuses(&rig).await, [RefundStatus::Failed; 2]);
    let provider = provider(&rig, &stripe).await;
    let unknown: RefundId = RefundId::new(5).unwrap();
    assert_eq!(provider.lookup_refund(unknown, id(&paid)).await.unwrap(), RefundOutcome::Unknown);
}
