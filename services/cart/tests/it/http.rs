//! The routes of the cart: adding, changing, clearing, idempotency keys, concurrent requests, the OpenAPI document.

use std::{path::Path, time::Duration};

use futures::future::join_all;
use serde_json::{Value, json};
use souk_cart::Cart;
use souk_events::{CartCheckedOut, OrderPaid};
use souk_kit::Service;
use souk_testkit::{assert_public_routes, eventually, holds_against_snapshot};
use souk_values::{Clock, OrderId};

use crate::shop::{Shop, row};

#[tokio::test]
async fn a_cart_shows_the_shops_names_and_prices() {
    let shop = Shop::open().await;
    let empty = shop.cart().await;
    let none = json!({"amount": 0, "currency": "EUR"});
    assert_eq!((&empty["userId"], &empty["items"], &empty["subtotal"]), (&json!(shop.user), &json!([]), &none));
    shop.add(3, 2).await;
    let cart = shop.add(5, 1).await.json;
    assert_eq!(cart["subtotal"], json!({"amount": 1_100, "currency": "EUR"}));
    let item = &cart["items"][0];
    assert_eq!((&item["name"], &item["available"]), (&json!("Product 3"), &json!(true)));
    assert_eq!((&item["price"]["amount"], &item["state"]), (&json!(300), &json!("active")));
    assert!(item["expiryTime"].is_string() && item["cartItemId"].is_string() && item["orderId"].is_null());
    assert_eq!(shop.cart().await["items"], cart["items"]);
}

#[tokio::test]
async fn adding_joins_and_changing_sets() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let cart = shop.add(1, 3).await.json;
    assert_eq!(shop.items().await, [row(1, "active", 5)]);
    let path = format!("/cart/items/{}", cart["items"][0]["cartItemId"].as_str().unwrap());
    let changed = shop.me().patch(&path, json!({"quantity": 99})).await.expect(200).json;
    assert_eq!(changed["items"][0]["quantity"], 99);
    shop.me().post("/cart", json!({"productId": 1, "quantity": 1})).await.is_problem(422, "cart.quantity_too_large");
    assert_eq!(shop.items().await, [row(1, "active", 99)]);
    assert_eq!(shop.me().delete(&path).await.expect(200).json["items"], json!([]));
    shop.me().delete(&path).await.is_problem(404, "cart.item_not_found");
    shop.me().patch(&path, json!({"quantity": 1})).await.is_problem(404, "cart.item_not_found");
}

#[tokio::test]
async fn what_was_bought_is_listed_page_by_page_and_the_cart_shows_the_latest() {
    let shop = Shop::open().await;
    assert_eq!(shop.me().get("/cart/purchases").await.expect(200).json["total"], 0);
    for first in [1, 11] {
        for product in first..first + 10 {
            shop.add(product, 1).await;
        }
        let (order, lines) = (shop.world.deps.ids.next(), shop.lines().await);
        shop.ordered(order, &lines).await;
        shop.deliver(&OrderPaid { order: shop.order(order, 3, &lines), paid_at: shop.world.clock.now() }).await;
        shop.world.clock.advance(Duration::from_secs(60));
    }
    let products = |list: &Value| -> Vec<i64> {
        list["items"].as_array().unwrap().iter().map(|item| item["productId"].as_i64().unwrap()).collect()
    };
    let latest_first: Vec<i64> = (11..21).rev().chain((1..11).rev()).collect();
    assert_eq!(products(&shop.cart().await), latest_first[..12]);
    let first = shop.me().get("/cart/purchases?size=15").await.expect(200).json;
    assert_eq!((products(&first), &first["total"]), (latest_first[..15].to_vec(), &json!(20)));
    assert_eq!((&first["items"][0]["name"], &first["items"][0]["available"]), (&json!("Product 20"), &json!(true)));
    let after = format!("/cart/purchases?size=15&after={}", first["next"].as_str().unwrap());
    let rest = shop.me().get(&after).await.expect(200).json;
    assert_eq!((products(&rest), rest["next"].is_null()), (latest_first[15..].to_vec(), true));
    assert_eq!(products(&shop.me().get("/cart/purchases?size=15&page=1").await.expect(200).json), latest_first[15..]);
    shop.me().get("/cart/purchases?after=x").await.is_problem(400, "query.invalid");
    let others = shop.guest(shop.world.user()).get("/cart/purchases").await.expect(200).json;
    assert_eq!(others["items"], json!([]), "each sees what they bought");
    shop.anyone.get("/cart/purchases").await.expect(401);
}

#[tokio::test]
async fn ordered_items_stay_as_they_are() {
    let shop = Shop::open().await;
    let cart = shop.add(1, 2).await.json;
    let order: OrderId = shop.world.deps.ids.next();
    shop.ordered(order, &shop.lines().await).await;
    let path = format!("/cart/items/{}", cart["items"][0]["cartItemId"].as_str().unwrap());
    shop.me().patch(&path, json!({"quantity": 1})).await.is_problem(409, "cart.item_ordered");
    shop.me().delete(&path).await.is_problem(409, "cart.item_ordered");
    let cart = shop.add(1, 4).await.json;
    assert_eq!(shop.items().await, [row(1, "active", 4), row(1, "ordered", 2)], "adding does not touch ordered items");
    assert_eq!(cart["subtotal"]["amount"], 400, "ordered items are not part of the subtotal");
    assert_eq!(cart["items"][0]["orderId"], json!(order));
    let cleared = shop.me().delete("/cart").await.expect(200).json;
    assert_eq!(cleared["items"].as_array().unwrap().len(), 1, "clearing leaves ordered items");
    assert_eq!(shop.lines().await, json!([]));
}

#[tokio::test]
async fn another_persons_cart_is_out_of_reach() {
    let shop = Shop::open().await;
    let cart = shop.add(1, 2).await.json;
    let path = format!("/cart/items/{}", cart["items"][0]["cartItemId"].as_str().unwrap());
    let other = shop.anyone.with_token(shop.world.customer(shop.world.user()));
    assert_eq!(other.get("/cart").await.json["items"], json!([]));
    other.delete(&path).await.is_problem(404, "cart.item_not_found");
    assert_eq!(shop.items().await, [row(1, "active", 2)]);
}

#[tokio::test]
async fn a_key_makes_adding_happen_once() {
    let shop = Shop::open().await;
    let me = shop.me();
    let body = json!({"productId": 1, "quantity": 2});
    let same = || me.post_keyed("/cart", "k1", body.clone());
    join_all((0..8).map(|_| same())).await.into_iter().for_each(|response| drop(response.expect(200)));
    assert_eq!(shop.items().await, [row(1, "active", 2)]);
    let other = me.post_keyed("/cart", "k1", json!({"productId": 1, "quantity": 3})).await;
    other.is_problem(422, "idempotency_key.reused");
    shop.me().delete("/cart").await.expect(200);
    same().await.expect(200);
    assert_eq!(shop.items().await, [], "a late retry adds nothing");
    me.post_keyed("/cart", "k2", body).await.expect(200);
    assert_eq!(shop.items().await, [row(1, "active", 2)]);
}

#[tokio::test]
async fn concurrent_requests_lose_nothing() {
    let shop = Shop::open().await;
    let adds = (0..60).map(|n| shop.add(1 + n % 3, 1));
    join_all(adds).await;
    assert_eq!(shop.items().await, [row(1, "active", 20), row(2, "active", 20), row(3, "active", 20)]);
}

#[tokio::test]
async fn a_hundred_different_products_fit() {
    let shop = Shop::open().await;
    join_all((1..=100).map(|product| shop.add(product, 1))).await;
    shop.me().post("/cart", json!({"productId": 101, "quantity": 1})).await.is_problem(422, "cart.too_many_items");
    shop.add(100, 1).await;
    assert_eq!(shop.cart().await["items"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn only_operations_with_tokens() {
    let shop = Shop::open().await;
    assert_public_routes(&shop.anyone, &[]).await;
    shop.me().get("/internal/carts/1/lines").await.is_problem(403, "auth.forbidden");
    shop.order_service().get("/cart").await.is_problem(403, "auth.forbidden");
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&Cart::openapi(), snapshot);
}

#[tokio::test]
async fn events_reach_their_queue_and_series_are_shown() {
    let shop = Shop::open().await;
    let relaying = shop.world.serve(crate::shop::build(&shop.world).await).await;
    shop.add(1, 2).await;
    let order: OrderId = shop.world.deps.ids.next();
    shop.ordered(order, &shop.lines().await).await;
    let checked_out = shop.world.waiting::<CartCheckedOut>(&souk_events::queue::NOTIFICATION_CARTS).await;
    assert_eq!((checked_out.len(), checked_out[0].order_id, checked_out[0].user_id), (1, order, shop.user));
    assert_eq!(checked_out[0].lines[0].name.as_deref(), Some("Product 1"));
    let url = shop.world.store_url("cart");
    eventually("the outbox is empty", || async { souk_cart::audit::read(&url).await.unwrap().outbox_pending == 0 })
        .await;
    let facts = souk_cart::audit::read(&url).await.unwrap();
    assert_eq!((facts.carts, facts.items, facts.ordered_items), (1, 1, vec![(order, shop.user)]));
    let metrics = relaying.client.get("/metrics").await.text;
    for series in [
        "cart_items_added_total",
        "carts_started_total",
        "cart_expirations_total",
        "cart_abandoned_total",
        "carts_active",
        "cart_item_ttl_seconds_count",
    ] {
        assert!(metrics.contains(&format!("{series}{{service=\"cart\"}}")), "{series} in {metrics}");
    }
    relaying.client.get("/health/ready").await.expect(200);
}
