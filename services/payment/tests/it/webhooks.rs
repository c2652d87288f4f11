//! Webhooks of the sandbox: authenticated by their signature, after which the provider is queried.

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::json;
use souk_testkit::Client;

use crate::rig::{Rig, SECRET};

/// Returns a client that signs `body` as the sandbox does.
pub fn signed(rig: &Rig, body: &str) -> Client {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
    rig.service.client.with_header("x-souk-signature", signature)
}

#[tokio::test]
async fn a_webhook_settles_a_payment_with_a_lost_response() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json;
    let body = json!({"paymentId": open["paymentId"]}).to_string();
    signed(&rig, &body).send(Method::POST, "/payments/webhooks/sandbox", Some(body)).await.expect(204);
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "succeeded");
}

#[tokio::test]
async fn forged_and_unreadable_webhooks_are_refused() {
    let rig = Rig::new().await;
    let body = json!({"paymentId": 5}).to_string();
    let post = |client: Client, path: &'static str, body: String| async move {
        client.send(Method::POST, path, Some(body)).await
    };
    let path = "/payments/webhooks/sandbox";
    let plain = rig.service.client.clone();
    post(plain.clone(), path, body.clone()).await.is_problem(400, "payment.webhook_signature_invalid");
    for signature in ["", "00", "zz", &"0".repeat(64)] {
        let forged = plain.with_header("x-souk-signature", signature);
        post(forged, path, body.clone()).await.is_problem(400, "payment.webhook_signature_invalid");
    }
    let of_another_body = signed(&rig, "{}");
    post(of_another_body, path, body.clone()).await.is_problem(400, "payment.webhook_signature_invalid");
    post(signed(&rig, "{}"), path, "{}".to_owned()).await.is_problem(400, "payment.webhook_unreadable");
    post(signed(&rig, &body), "/payments/webhooks/paypal", body.clone())
        .await
        .is_problem(404, "payment.provider_unknown");
    post(plain, path, "x".repeat(300_000)).await.is_problem(413, "body.too_large");
    post(signed(&rig, &body), path, body).await.expect(204);
}
