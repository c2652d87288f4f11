//! Invalid requests: each returns a problem with a stable code, and stores nothing.

use reqwest::Method;
use serde_json::json;
use souk_kit::auth::Role;

use crate::rig::{Rig, card};

#[tokio::test]
async fn invalid_payments_are_refused_and_store_nothing() {
    let rig = Rig::new().await;
    let order = rig.confirmed().order_id;
    let client = rig.client().with_header("idempotency-key", "k");
    for (body, status, code) in [
        (json!({"orderId": order}), 400, "body.invalid"),
        (json!({"orderId": "1", "method": {"type": "card", "token": "tok_visa"}}), 400, "body.invalid"),
        (json!({"orderId": 0, "method": {"type": "card", "token": "tok_visa"}}), 400, "body.invalid"),
        (json!({"orderId": order, "method": {"type": "gold", "token": "tok_visa"}}), 400, "body.invalid"),
        (json!({"orderId": order, "method": {"type": "card"}}), 400, "body.invalid"),
        (json!({"orderId": order, "method": {"type": "card", "token": ""}}), 422, "body.not_allowed"),
        (json!({"orderId": order, "method": {"type": "card", "token": "t".repeat(192)}}), 422, "body.not_allowed"),
        (json!({"orderId": order, "method": {"type": "card", "token": "tok_visa"}, "amount": 1}), 400, "body.invalid"),
        (json!({"orderId": order, "method": {"type": "card", "token": "tok_visa", "cvc": 1}}), 400, "body.invalid"),
        (json!([]), 400, "body.invalid"),
    ] {
        client.post("/payments", body).await.is_problem(status, code);
    }
    client.send(Method::POST, "/payments", Some("{\"orderId\":".into())).await.is_problem(400, "body.malformed");
    client.send(Method::POST, "/payments", Some(" ".repeat(300_000))).await.is_problem(413, "body.too_large");
    rig.client().post("/payments", card(order, "tok_visa")).await.is_problem(400, "idempotency_key.required");
    rig.client()
        .post_keyed("/payments", "a b", card(order, "tok_visa"))
        .await
        .is_problem(400, "idempotency_key.invalid");
    let guest = rig.service.client.with_token(rig.world.token(7, Role::Guest));
    guest.post_keyed("/payments", "k", card(order, "tok_visa")).await.is_problem(403, "auth.forbidden");
    rig.client().get("/payments/abc").await.is_problem(400, "path.invalid");
    rig.client().get("/payments/9007199254740992").await.is_problem(400, "path.invalid");
    for query in ["orderId=x", "orderId=0", "size=0", "size=101", "page=-1", "colour=red"] {
        rig.client().get(&format!("/payments?{query}")).await.is_problem(400, "query.invalid");
    }
    rig.client().get("/internal/payments/state?orderId=1").await.is_problem(403, "auth.forbidden");
    rig.admin().get("/internal/payments/state?orderId=1").await.is_problem(403, "auth.forbidden");
    assert!(rig.facts().await.payments.is_empty());
}

#[tokio::test]
async fn the_state_of_an_unknown_order_is_empty() {
    let rig = Rig::new().await;
    assert_eq!(rig.state(rig.world.deps.ids.next()).await, json!({"processing": false}));
}
