//! Malformed and malicious input is refused with a code and stores nothing.

use reqwest::Method;
use serde_json::{Value, json};
use souk_kit::auth::Role;

use crate::rig::{Rig, address, order_body};

fn with(field: &str, value: Value) -> Value {
    let mut body = order_body("prepaid");
    body[field] = value;
    body
}

fn with_address(field: &str, value: Value) -> Value {
    let mut body = order_body("prepaid");
    body["shippingAddress"][field] = value;
    body
}

fn item(item: &Value) -> Value {
    with("items", json!([item]))
}

#[tokio::test]
async fn bad_orders_are_refused_and_store_nothing() {
    let rig = Rig::new().await;
    let long = "x".repeat(201);
    let many: Vec<Value> = (1..=101).map(|product| json!({"productId": product, "quantity": 1})).collect();
    let unreadable = [
        with("totalAmount", json!({"amount": 1, "currency": "EUR"})),
        with("paymentTerms", json!("later")),
        with("items", json!({})),
        item(&json!({"productId": 1001, "quantity": 1, "price": {"amount": 1, "currency": "EUR"}})),
        item(&json!({"productId": 0, "quantity": 1})),
        item(&json!({"productId": 9_007_199_254_740_992_i64, "quantity": 1})),
        item(&json!({"productId": "1001", "quantity": 1})),
        item(&json!({"productId": 1001, "quantity": -1})),
        item(&json!({"productId": 1001, "quantity": 1.5})),
        item(&json!({"productId": 1001})),
        json!({"items": [{"productId": 1001, "quantity": 1}]}),
        with_address("planet", json!("Earth")),
        with_address("name", json!(7)),
        json!([]),
    ];
    let not_allowed = [
        item(&json!({"productId": 1001, "quantity": 0})),
        item(&json!({"productId": 1001, "quantity": 100})),
        with("items", json!([])),
        with("items", json!(many)),
        with_address("name", json!("")),
        with_address("name", json!("   ")),
        with_address("line1", json!(long)),
        with_address("line2", json!(long)),
        with_address("city", json!("Ber\nlin")),
        with_address("postalCode", json!("x".repeat(21))),
        with_address("postalCode", json!("1011")),
        with_address("postalCode", json!("SW1A 1AA")),
        with_address("country", json!("de")),
        with_address("country", json!("UK")),
        with_address("country", json!("ZZ")),
        with_address("country", json!("DEU")),
        with_address("country", json!("Ö")),
        with_address("phone", json!("")),
    ];
    for (number, body) in unreadable.into_iter().enumerate() {
        rig.client.post_keyed("/orders", &format!("u{number}"), body).await.is_problem(400, "body.invalid");
    }
    for (number, body) in not_allowed.into_iter().enumerate() {
        rig.client.post_keyed("/orders", &format!("n{number}"), body).await.is_problem(422, "body.not_allowed");
    }
    let keyed = rig.client.with_header("idempotency-key", "k");
    let no_terms = with("paymentTerms", Value::Null);
    assert_eq!(rig.client.post_keyed("/orders", "k", no_terms).await.status, 400);
    keyed.send(Method::POST, "/orders", Some("{\"shipping".into())).await.is_problem(400, "body.malformed");
    keyed.send(Method::POST, "/orders", Some(" ".repeat(300_000))).await.is_problem(413, "body.too_large");
    rig.client.post("/orders", order_body("prepaid")).await.is_problem(400, "idempotency_key.required");
    let too_long = "k".repeat(256);
    rig.client.post_keyed("/orders", &too_long, order_body("prepaid")).await.is_problem(400, "idempotency_key.invalid");
    assert_eq!(rig.admin.get("/orders").await.json["total"], 0);
    let facts = souk_order::audit::read(&rig.world.store_url("order")).await.unwrap();
    assert!(facts.orders.is_empty());
    assert_eq!(rig.shop.quotes.load(std::sync::atomic::Ordering::SeqCst), 0);
    // Every field at its longest is accepted.
    let mut body = with_address("line2", json!("ü".repeat(200)));
    body["shippingAddress"]["phone"] = json!("+49 30 1234567");
    rig.client.post_keyed("/orders", &"k".repeat(255), body).await.expect(201);
}

#[tokio::test]
async fn bad_paths_queries_and_transitions_are_refused() {
    let rig = Rig::new().await;
    let id = rig.paid("prepaid").await;
    for order in ["0", "-1", "abc", "9007199254740992", "1.5"] {
        for path in ["", "/timeline", "/stream"] {
            rig.client.get(&format!("/orders/{order}{path}")).await.is_problem(400, "path.invalid");
        }
        rig.client.post(&format!("/orders/{order}/cancel"), json!({})).await.is_problem(400, "path.invalid");
    }
    for query in ["status=lost", "page=-1", "size=0", "size=101", "userId=x", "page=99999999999"] {
        rig.client.get(&format!("/orders?{query}")).await.is_problem(400, "query.invalid");
    }
    let ship = format!("/orders/{id}/ship");
    for (body, status, code) in [
        (json!({}), 400, "body.invalid"),
        (json!({"carrier": "DHL"}), 400, "body.invalid"),
        (json!({"carrier": "DHL", "trackingNumber": 7}), 400, "body.invalid"),
        (json!({"carrier": "DHL", "trackingNumber": "7", "cost": 1}), 400, "body.invalid"),
        (json!({"carrier": "", "trackingNumber": "7"}), 422, "body.not_allowed"),
        (json!({"carrier": "DHL", "trackingNumber": "x".repeat(101)}), 422, "body.not_allowed"),
    ] {
        rig.admin.post(&ship, body).await.is_problem(status, code);
    }
    rig.admin.post(&format!("/orders/{id}/deliver"), json!({"when": "now"})).await.is_problem(400, "body.invalid");
    rig.admin.post(&format!("/orders/{id}/cancel"), json!({"why": "so"})).await.is_problem(400, "body.invalid");
    rig.client.delete(&format!("/orders/{id}")).await.is_problem(405, "route.method_not_allowed");
    assert_eq!(rig.order(id).await["version"], 3);
}

#[tokio::test]
async fn guests_and_anonymous_callers_are_refused_before_the_body_is_read() {
    let rig = Rig::new().await;
    let guest = rig.started.client.with_token(rig.world.token(rig.world.user(), Role::Guest));
    let anonymous = &rig.started.client;
    let rubbish = || Some("rubbish".to_owned());
    guest.send(Method::POST, "/orders", rubbish()).await.is_problem(403, "auth.forbidden");
    anonymous.send(Method::POST, "/orders", rubbish()).await.is_problem(401, "auth.token_missing");
    for path in ["/orders", "/orders/1", "/orders/1/timeline", "/orders/1/stream", "/orders/summary", "/orders/audit"] {
        guest.get(path).await.is_problem(403, "auth.forbidden");
    }
    rig.client.send(Method::POST, "/orders/1/ship", rubbish()).await.is_problem(403, "auth.forbidden");
    let body = json!({"shippingAddress": address()});
    guest.post_keyed("/orders", "k", body).await.is_problem(403, "auth.forbidden");
}
