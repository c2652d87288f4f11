//! Lifetimes of items in a cart, wishlists, and the merging of a guest's cart.

use std::time::Duration;

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{Shop, Shopper};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn items(shopper: &Shopper) -> usize {
    shopper.cart().await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_day_in_the_cart_a_week_once_ordered_for_ever_once_paid() {
    let shop = Shop::with_clock().await;
    let kettle = shop.product("Kettle", 10).await;
    let lamp = shop.product("Lamp", 10).await;
    let mut ada = Shopper::register(&shop, "ada").await;

    ada.put_into_cart(kettle, 1).await;
    shop.advance(23 * HOUR).await;
    ada.sign_in_again(&shop).await;
    assert_eq!(items(&ada).await, 1, "not yet");
    shop.advance(HOUR + Duration::from_secs(1)).await;
    ada.sign_in_again(&shop).await;
    assert_eq!(items(&ada).await, 0, "a day is over");

    // Ordered on delivery, so that the order does not lapse: a week.
    ada.put_into_cart(kettle, 1).await;
    ada.order_cart("onDelivery").await;
    ada.wait_for_cart_state("ordered").await;
    shop.advance(6 * DAY).await;
    ada.sign_in_again(&shop).await;
    assert_eq!(items(&ada).await, 1, "still there");
    shop.advance(DAY + Duration::from_secs(1)).await;
    ada.sign_in_again(&shop).await;
    assert_eq!(items(&ada).await, 0, "a week is over");

    ada.put_into_cart(lamp, 1).await;
    let order = ada.order_cart("prepaid").await;
    ada.pay(&order, "tok_visa").await.expect(201);
    ada.wait_for_cart_state("purchased").await;
    shop.advance(400 * DAY).await;
    ada.sign_in_again(&shop).await;
    assert_eq!(items(&ada).await, 1, "for ever");
    let metrics =
        reqwest::get(format!("http://127.0.0.1:{}/metrics", shop.port + 4)).await.unwrap().text().await.unwrap();
    eventually("the two expiries are counted", || async {
        let metrics = reqwest::get(format!("http://127.0.0.1:{}/metrics", shop.port + 4)).await.unwrap();
        metrics.text().await.unwrap().contains("cart_expirations_total{service=\"cart\"} 2")
    })
    .await;
    assert!(metrics.contains("cart_item_ttl_seconds"));
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_guests_cart_is_there_after_signing_in() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 10).await;
    let guest = shop.client.post("/auth/guest", json!({})).await.expect(200).json;
    assert_eq!(guest["user"]["username"], Value::Null);
    let token = guest["accessToken"].as_str().unwrap();
    let as_guest = shop.client.with_token(token);
    as_guest.post("/cart", json!({"productId": kettle, "quantity": 2})).await.expect(200);
    let ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(kettle, 1).await;
    let merge = json!({"guestToken": token});
    let cart = ada.client.post("/cart/merge", merge.clone()).await.expect(200).json;
    assert_eq!(cart["items"][0]["quantity"], 3);
    let again = ada.client.post("/cart/merge", merge).await.expect(200).json;
    assert_eq!(again["items"][0]["quantity"], 3, "merging twice adds nothing");
    assert_eq!(as_guest.get("/cart").await.expect(200).json["items"], json!([]));
    let order = ada.order_cart("prepaid").await;
    assert_eq!(order["items"][0]["quantity"], 3);
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_wish_is_kept_notified_and_moved_to_the_cart() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 0).await;
    let ada = Shopper::register(&shop, "ada").await;
    ada.client.post("/wishlist", json!({"productId": kettle})).await.expect(200);
    let admin = shop.admin().await;
    let stock = json!({"delta": 7, "reason": "delivery"});
    admin.post_keyed(&format!("/products/{kettle}/stock"), "delivery-1", stock).await.expect(200);
    let product = admin.get(&format!("/products/{kettle}")).await;
    let cheaper = json!({"price": {"amount": 1499, "currency": "EUR"}});
    let tag = product.header("etag").to_owned();
    admin.with_header("if-match", tag.clone()).patch(&format!("/products/{kettle}"), cheaper.clone()).await.expect(200);
    admin
        .with_header("if-match", tag)
        .patch(&format!("/products/{kettle}"), cheaper)
        .await
        .is_problem(412, "if_match.stale");
    eventually("both notices arrive", || async {
        let notices = ada.client.get("/notifications").await.expect(200).text;
        notices.contains("back") && notices.contains("14.99")
    })
    .await;
    let cart = ada.client.post(&format!("/wishlist/{kettle}/move-to-cart"), json!({})).await.expect(200).json;
    assert_eq!(cart["items"][0]["price"]["amount"], 1499);
    assert_eq!(ada.client.get("/wishlist").await.expect(200).json["items"], json!([]));
    shop.assert_clean().await;
}
