//! Refused requests: each gets a problem with a stable code, and nothing is stored.

use axum::Router;
use reqwest::Method;
use serde_json::json;
use souk_kit::auth::Role;
use souk_testkit::World;

use crate::shop::{Shop, build};

#[tokio::test]
async fn bad_bodies_store_nothing() {
    let shop = Shop::open().await;
    let me = shop.me();
    let cases = [
        ("{", 400, "body.malformed"),
        (r#"{"productId": 1}"#, 400, "body.invalid"),
        (r#"{"productId": "1", "quantity": 1}"#, 400, "body.invalid"),
        (r#"{"productId": 0, "quantity": 1}"#, 400, "body.invalid"),
        (r#"{"productId": 9007199254740992, "quantity": 1}"#, 400, "body.invalid"),
        (r#"{"productId": 1, "quantity": 1.5}"#, 400, "body.invalid"),
        (r#"{"productId": 1, "quantity": 1, "price": {"amount": 1, "currency": "EUR"}}"#, 400, "body.invalid"),
        (r#"{"productId": 1, "quantity": 0}"#, 422, "body.not_allowed"),
        (r#"{"productId": 1, "quantity": -1}"#, 422, "body.not_allowed"),
        (r#"{"productId": 1, "quantity": 100}"#, 422, "body.not_allowed"),
        (r#"{"productId": 9223372036854775807, "quantity": 1}"#, 400, "body.invalid"),
        (r#"{"productId": 1000, "quantity": 1}"#, 422, "cart.product_unknown"),
    ];
    for (body, status, code) in cases {
        me.send(Method::POST, "/cart", Some(body.to_owned())).await.is_problem(status, code);
    }
    me.send(Method::POST, "/cart", Some(" ".repeat(300_000))).await.is_problem(413, "body.too_large");
    me.with_header("content-type", "text/plain")
        .send(Method::POST, "/cart", None)
        .await
        .is_problem(415, "body.not_json");
    me.with_header("idempotency-key", " ")
        .post("/cart", json!({"productId": 1, "quantity": 1}))
        .await
        .is_problem(400, "idempotency_key.invalid");
    me.patch("/cart/items/x", json!({"quantity": 100})).await.is_problem(422, "body.not_allowed");
    me.patch("/cart/items/x", json!({"quantity": 1, "price": 1})).await.is_problem(400, "body.invalid");
    me.post("/cart/merge", json!({"guestToken": 5})).await.is_problem(400, "body.invalid");
    me.post("/wishlist", json!({"productId": -1})).await.is_problem(400, "body.invalid");
    me.post("/wishlist", json!({"productId": 1000})).await.is_problem(422, "cart.product_unknown");
    me.delete("/wishlist/zero").await.is_problem(400, "path.invalid");
    me.post("/wishlist/1/move-to-cart", json!({"quantity": 1})).await.is_problem(400, "body.invalid");
    assert_eq!(shop.items().await, []);
    assert_eq!(me.get("/wishlist").await.json, json!({"items": []}));
}

#[tokio::test]
async fn requests_of_peers_are_validated_too() {
    let shop = Shop::open().await;
    shop.add(1, 5).await;
    let mut lines = shop.lines().await;
    let path = format!("/internal/carts/{}/ordered", shop.user);
    let order = shop.order_service();
    for quantity in [0, 100] {
        lines[0]["quantity"] = json!(quantity);
        order.post(&path, json!({"orderId": 7, "lines": lines})).await.is_problem(422, "body.not_allowed");
    }
    lines[0]["quantity"] = json!(-1);
    order.post(&path, json!({"orderId": 7, "lines": lines})).await.is_problem(400, "body.invalid");
    order.post(&path, json!({"orderId": 0, "lines": []})).await.is_problem(400, "body.invalid");
    order.get("/internal/carts/0/lines").await.is_problem(400, "path.invalid");
    assert_eq!(shop.items().await, [(1, "active".to_owned(), 5)]);
}

#[tokio::test]
async fn without_the_product_service_only_known_products_can_be_added() {
    let shop = Shop::open().await;
    shop.add(1, 1).await;
    // No process listens on the discard port.
    shop.world.deps.peers.directory().set("product", ["http://127.0.0.1:9".to_owned()]);
    shop.add(1, 1).await;
    assert_eq!(shop.cart().await["items"][0]["quantity"], 2);
    let away = shop.me().post("/cart", json!({"productId": 2, "quantity": 1})).await;
    away.is_problem(503, "product.unavailable");
    assert!(!away.header("retry-after").is_empty());
    assert_eq!(shop.items().await.len(), 1);
}

#[tokio::test]
async fn a_quote_in_another_currency_is_refused() {
    let world = World::new().await;
    let quote = axum::Json(json!({"items": [{"productId": 1, "name": "x", "stock": 1, "revision": 1,
        "price": {"amount": 1, "currency": "USD"}}]}));
    let router = Router::new().route("/internal/products/quote", axum::routing::post(|| async { quote }));
    world.fake_peer("product", router).await;
    let client = world.serve(build(&world).await).await.client.with_token(world.token(5, Role::Guest));
    client.post("/cart", json!({"productId": 1, "quantity": 1})).await.is_problem(500, "internal");
    assert_eq!(client.get("/cart").await.json["items"], json!([]));
}
