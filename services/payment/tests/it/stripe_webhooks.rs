//! Stripe's webhooks: authenticated by signature and time, after which Stripe is queried.

use std::time::Duration;

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};
use souk_events::{PaymentRefundFailed, queue};
use souk_payment::payment::RefundStatus;
use souk_testkit::{TestResponse, eventually};
use souk_values::Clock;

use crate::{
    rig::{PRICE, Rig, SETTLE},
    settling::claim_and_crash,
    stripe::{VISA, WEBHOOK_SECRET, account, pay, shop, shop_with, store},
    stripe_fake::Fault,
    stripe_refunding::statuses,
};

const PATH: &str = "/payments/webhooks/stripe";

fn event(kind: &str, object: &Value) -> String {
    json!({
        "id": "evt_fake", "object": "event", "api_version": "2024-06-20", "created": 1_700_000_000,
        "data": {"object": object}, "livemode": false, "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null}, "type": kind,
    })
    .to_string()
}

fn signature(secret: &str, time: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()))
}

async fn post(rig: &Rig, header: &str, body: &str) -> TestResponse {
    let client = rig.service.client.with_header("stripe-signature", header);
    client.send(Method::POST, PATH, Some(body.to_owned())).await
}

/// Posts `body` as Stripe does, with a current signature.
async fn post_signed(rig: &Rig, body: &str) -> TestResponse {
    let now = rig.world.clock.now().seconds();
    post(rig, &format!("t={now},v1={}", signature(WEBHOOK_SECRET, now, body)), body).await
}

#[tokio::test]
async fn a_webhook_settles_a_payment_with_a_lost_response() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    let body = event("payment_intent.succeeded", &stripe.intent(&open["paymentId"]));
    post_signed(&rig, &body).await.expect(204);
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "succeeded");
    post_signed(&rig, &body).await.expect(204);
    assert_eq!(stripe.state().charges, 1);
}

#[tokio::test]
async fn a_webhook_about_a_payment_settles_its_open_refund_too() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.state().refund_status = Some("pending");
    rig.refund(&paid["paymentId"], "r", Some(100)).await.expect(200);
    for refund in &mut stripe.state().refunds {
        refund["status"] = json!("succeeded");
    }
    let body = event("payment_intent.succeeded", &stripe.intent(&paid["paymentId"]));
    post_signed(&rig, &body).await.expect(204);
    assert_eq!(statuses(&rig).await, [RefundStatus::Succeeded]);
}

#[tokio::test]
async fn only_recent_signatures_of_stripe_are_accepted() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    let before = stripe.state().requests.len();
    let body = event("payment_intent.succeeded", &stripe.intent(&paid["paymentId"]));
    let now = rig.world.clock.now().seconds();
    let good = signature(WEBHOOK_SECRET, now, &body);
    let forged = [
        String::new(),
        format!("v1={good}"),
        format!("t={now}"),
        format!("t={now},v0={good}"),
        format!("t={now},v1={}", "0".repeat(64)),
        format!("t={now},v1=zz"),
        format!("t={},v1={good}", now + 1),
        format!("t={now},v1={}", signature("whsec_another", now, &body)),
        format!("t={now},v1={}", signature(WEBHOOK_SECRET, now, "{}")),
        format!("t={},v1={}", now - 301, signature(WEBHOOK_SECRET, now - 301, &body)),
        format!("t={},v1={}", now + 310, signature(WEBHOOK_SECRET, now + 310, &body)),
        format!("t=soon,v1={good}"),
    ];
    for header in forged {
        post(&rig, &header, &body).await.is_problem(400, "payment.webhook_signature_invalid");
    }
    let unsigned = rig.service.client.send(Method::POST, PATH, Some(body.clone())).await;
    unsigned.is_problem(400, "payment.webhook_signature_invalid");
    assert_eq!(stripe.state().requests.len(), before, "Stripe was not queried");
    post(&rig, &format!("t={now},v1={},v1={good}", "0".repeat(64)), &body).await.expect(204);
    assert_eq!(stripe.state().requests.len(), before + 1);
    // The same webhook, replayed later by an attacker.
    rig.world.clock.advance(Duration::from_secs(310));
    post(&rig, &format!("t={now},v1={good}"), &body).await.is_problem(400, "payment.webhook_signature_invalid");
}

#[tokio::test]
async fn events_that_do_not_concern_the_shop_are_accepted_and_ignored() {
    let (rig, stripe) = shop().await;
    for body in [
        event("customer.created", &json!({"id": "cus_fake", "object": "customer"})),
        json!({"id": "evt_fake", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}).to_string(),
        event("payment_intent.succeeded", &json!({"id": "pi_of_another", "object": "payment_intent", "metadata": {}})),
        event("payment_intent.succeeded", &json!({"id": "pi_x", "metadata": {"payment_id": "of another shop"}})),
        event("payment_intent.succeeded", &json!({"id": "pi_x", "metadata": {"payment_id": "123456"}})),
        event("charge.refunded", &json!({"id": "ch_fake", "object": "charge", "metadata": null})),
    ] {
        post_signed(&rig, &body).await.expect(204);
    }
    assert!(stripe.state().requests.is_empty());
    for body in ["{}", "[]", "payment_intent", r#"{"type": "payment_intent.succeeded", "data": {}}"#] {
        post_signed(&rig, body).await.is_problem(400, "payment.webhook_unreadable");
    }
    let sandbox = rig.service.client.send(Method::POST, "/payments/webhooks/sandbox", Some("{}".to_owned())).await;
    sandbox.is_problem(404, "payment.provider_unknown");
}

#[tokio::test]
async fn a_capture_reported_for_a_failed_payment_is_refunded() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_crash(&rig.world, rig.user, &account()).await;
    let intent = stripe.create_intent(claimed, PRICE);
    store(&rig.world).await.record_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    rig.world.clock.advance(SETTLE);
    let claimed = json!(claimed);
    eventually("it is closed", || async { rig.payment(&claimed).await["status"] == "failed" }).await;
    stripe.capture(&intent);
    let body = event("payment_intent.succeeded", &stripe.intent(&claimed));
    post_signed(&rig, &body).await.expect(204);
    post_signed(&rig, &body).await.expect(204);
    eventually("it is returned", || async { rig.payment(&claimed).await["refundedAmount"]["amount"] == PRICE }).await;
    assert_eq!(rig.payment(&claimed).await["status"], "failed", "failed is final");
    let state = stripe.state();
    assert_eq!((state.refunds.len(), state.returned(&intent)), (1, PRICE));
}

#[tokio::test]
async fn the_refund_of_a_late_capture_that_comes_back_can_be_made_again() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_crash(&rig.world, rig.user, &account()).await;
    let intent = stripe.create_intent(claimed, PRICE);
    store(&rig.world).await.record_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    rig.world.clock.advance(SETTLE);
    let claimed = json!(claimed);
    eventually("it is closed", || async { rig.payment(&claimed).await["status"] == "failed" }).await;
    stripe.capture(&intent);
    post_signed(&rig, &event("payment_intent.succeeded", &stripe.intent(&claimed))).await.expect(204);
    let returned = || async { rig.payment(&claimed).await["refundedAmount"]["amount"].clone() };
    eventually("it is returned", || async { returned().await == PRICE }).await;
    rig.refund(&claimed, "early", None).await.is_problem(409, "payment.not_refundable");
    let failed = {
        let mut state = stripe.state();
        state.refunds[0]["status"] = json!("failed");
        event("refund.failed", &state.refunds[0])
    };
    post_signed(&rig, &failed).await.expect(204);
    assert_eq!(returned().await, 0);
    let again = rig.refund(&claimed, "again", None).await.expect(200).json;
    assert_eq!((&again["status"], &again["refundedAmount"]["amount"]), (&json!("failed"), &json!(PRICE)));
    let statuses = statuses(&rig).await;
    assert!(statuses.contains(&RefundStatus::Failed) && statuses.contains(&RefundStatus::Succeeded), "{statuses:?}");
    assert_eq!((statuses.len(), stripe.state().refunds.len()), (2, 2));
}

#[tokio::test]
async fn a_webhook_about_a_refund_settles_it() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.state().refund_status = Some("pending");
    rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200);
    assert_eq!(statuses(&rig).await, [RefundStatus::Processing]);
    let update = |kind: &str, status: &str| {
        let mut state = stripe.state();
        state.refunds[0]["status"] = json!(status);
        event(kind, &state.refunds[0])
    };
    let done = update("refund.updated", "succeeded");
    post_signed(&rig, &done).await.expect(204);
    assert_eq!(statuses(&rig).await, [RefundStatus::Succeeded]);
    // The money came back: it can be refunded again.
    let failed = update("refund.failed", "failed");
    for _ in 0..2 {
        post_signed(&rig, &failed).await.expect(204);
        assert_eq!(statuses(&rig).await, [RefundStatus::Failed]);
    }
    assert_eq!(rig.payment(&paid["paymentId"]).await["refundedAmount"]["amount"], 0);
    let published: Vec<PaymentRefundFailed> = rig.published(&queue::NOTIFICATION_PAYMENTS).await;
    assert_eq!(published.len(), 1);
    assert!(published[0].had_succeeded && published[0].refunded_amount.minor == 0, "{published:?}");
    let charge = stripe.intent(&paid["paymentId"])["latest_charge"].clone();
    post_signed(&rig, &event("charge.refunded", &charge)).await.expect(204);
    assert_eq!(stripe.state().refunds.len(), 1);
}
