//! Stripe's webhooks: believed by signature and time only, and then Stripe is asked.

use std::time::Duration;

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};
use souk_payment::payment::RefundStatus;
use souk_testkit::{Answer, eventually};
use souk_values::Clock;

use crate::{
    rig::{PRICE, Rig},
    settling::claim_and_die,
    stripe::{VISA, WEBHOOK_SECRET, pay, shop, shop_with, store},
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

async fn post(rig: &Rig, header: &str, body: &str) -> Answer {
    let client = rig.service.client.with_header("stripe-signature", header);
    client.send(Method::POST, PATH, Some(body.to_owned())).await
}

/// Posts `body` as Stripe does, now.
async fn tell(rig: &Rig, body: &str) -> Answer {
    let now = rig.world.clock.now().seconds();
    post(rig, &format!("t={now},v1={}", signature(WEBHOOK_SECRET, now, body)), body).await
}

#[tokio::test]
async fn a_notice_settles_a_lost_answer_at_once() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    let told = event("payment_intent.succeeded", &stripe.intent(&open["paymentId"]));
    tell(&rig, &told).await.expect(204);
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "succeeded");
    tell(&rig, &told).await.expect(204);
    assert_eq!(stripe.books().charges, 1);
}

#[tokio::test]
async fn only_what_stripe_signed_lately_is_believed() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    let asked = stripe.books().requests.len();
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
    assert_eq!(stripe.books().requests.len(), asked, "nothing was asked of Stripe");
    post(&rig, &format!("t={now},v1={},v1={good}", "0".repeat(64)), &body).await.expect(204);
    assert_eq!(stripe.books().requests.len(), asked + 1);
    // The same notice, kept by somebody and sent again later.
    rig.world.clock.advance(Duration::from_secs(310));
    post(&rig, &format!("t={now},v1={good}"), &body).await.is_problem(400, "payment.webhook_signature_invalid");
}

#[tokio::test]
async fn what_does_not_concern_the_shop_is_taken_and_ignored() {
    let (rig, stripe) = shop().await;
    for body in [
        event("customer.created", &json!({"id": "cus_fake", "object": "customer"})),
        json!({"id": "evt_fake", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}).to_string(),
        event("payment_intent.succeeded", &json!({"id": "pi_of_another", "object": "payment_intent", "metadata": {}})),
        event("payment_intent.succeeded", &json!({"id": "pi_x", "metadata": {"payment_id": "of another shop"}})),
        event("payment_intent.succeeded", &json!({"id": "pi_x", "metadata": {"payment_id": "123456"}})),
        event("charge.refunded", &json!({"id": "ch_fake", "object": "charge", "metadata": null})),
    ] {
        tell(&rig, &body).await.expect(204);
    }
    assert!(stripe.books().requests.is_empty());
    for body in ["{}", "[]", "payment_intent", r#"{"type": "payment_intent.succeeded", "data": {}}"#] {
        tell(&rig, body).await.is_problem(400, "payment.webhook_unreadable");
    }
    let sandbox = rig.service.client.send(Method::POST, "/payments/webhooks/sandbox", Some("{}".to_owned())).await;
    sandbox.is_problem(404, "payment.provider_unknown");
}

#[tokio::test]
async fn a_capture_that_is_reported_for_a_failed_payment_goes_back() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_die(&rig.world, rig.user).await;
    let intent = stripe.make_intent(claimed, PRICE);
    store(&rig.world).await.note_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    rig.world.clock.advance(Duration::from_secs(6));
    let claimed = json!(claimed);
    eventually("it is closed", || async { rig.payment(&claimed).await["status"] == "failed" }).await;
    stripe.capture(&intent);
    let told = event("payment_intent.succeeded", &stripe.intent(&claimed));
    tell(&rig, &told).await.expect(204);
    tell(&rig, &told).await.expect(204);
    eventually("it is returned", || async { rig.payment(&claimed).await["refundedAmount"]["amount"] == PRICE }).await;
    assert_eq!(rig.payment(&claimed).await["status"], "failed", "failed is final");
    let books = stripe.books();
    assert_eq!((books.refunds.len(), books.returned(&intent)), (1, PRICE));
}

#[tokio::test]
async fn a_notice_about_a_refund_settles_it() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.books().refund_status = Some("pending");
    rig.refund(&paid["paymentId"], "r1", Some(500)).await.expect(200);
    assert_eq!(statuses(&rig).await, [RefundStatus::Processing]);
    let told = |kind: &str, status: &str| {
        let mut books = stripe.books();
        books.refunds[0]["status"] = json!(status);
        event(kind, &books.refunds[0])
    };
    let done = told("refund.updated", "succeeded");
    tell(&rig, &done).await.expect(204);
    assert_eq!(statuses(&rig).await, [RefundStatus::Succeeded]);
    // A return that came back is shown to somebody; what was told of it stays.
    let failed = told("refund.failed", "failed");
    tell(&rig, &failed).await.expect(204);
    assert_eq!(statuses(&rig).await, [RefundStatus::Succeeded]);
    let charge = stripe.intent(&paid["paymentId"])["latest_charge"].clone();
    tell(&rig, &event("charge.refunded", &charge)).await.expect(204);
    assert_eq!(stripe.books().refunds.len(), 1);
}
