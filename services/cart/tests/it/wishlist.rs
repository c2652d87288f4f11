//! Wishlists: their routes, moving a wish to the cart, and alerts, each published once.

use serde_json::json;
use souk_bus::Outcome;
use souk_cart::{
    product::{AlertKind, ProductUpdate},
    store::WishAlert,
};
use souk_events::{ProductChanged, WishlistBackInStock, WishlistPriceDropped};
use souk_testkit::eventually;
use souk_values::{Currency, Id, Money, ProductId};

use crate::{
    product_updates::{back, changed},
    shop::{Shop, row},
};

async fn wish(shop: &Shop, product: i64) -> serde_json::Value {
    shop.me().post("/wishlist", json!({"productId": product})).await.expect(200).json
}

#[tokio::test]
async fn wishes_are_kept_until_they_are_taken_off() {
    let shop = Shop::open().await;
    assert_eq!(shop.me().get("/wishlist").await.expect(200).json, json!({"items": []}));
    wish(&shop, 1).await;
    shop.world.clock.advance(std::time::Duration::from_secs(400 * 86_400));
    wish(&shop, 2).await;
    let list = wish(&shop, 1).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "wishing twice is wishing once");
    let oldest = &list["items"][1];
    assert_eq!((&oldest["productId"], &oldest["name"]), (&json!(1), &json!("Product 1")));
    assert_eq!((&oldest["price"]["amount"], &oldest["available"]), (&json!(100), &json!(true)));
    assert!(oldest["addedAt"].is_string());
    assert_eq!(shop.me().get("/wishlist").await.json, list);
    let list = shop.me().delete("/wishlist/1").await.expect(200).json;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    shop.me().delete("/wishlist/1").await.is_problem(404, "wishlist.item_not_found");
}

#[tokio::test]
async fn moving_is_both_or_neither() {
    let shop = Shop::open().await;
    wish(&shop, 1).await;
    let cart = shop.me().send(reqwest::Method::POST, "/wishlist/1/move-to-cart", None).await.expect(200).json;
    assert_eq!((cart["items"][0]["quantity"].as_i64(), cart["subtotal"]["amount"].as_i64()), (Some(1), Some(100)));
    assert_eq!(shop.me().get("/wishlist").await.json, json!({"items": []}));
    let again = shop.me().post("/wishlist/1/move-to-cart", json!({})).await;
    again.is_problem(404, "wishlist.item_not_found");
    assert_eq!(shop.items().await, [row(1, "active", 1)]);
    shop.add(1, 98).await;
    wish(&shop, 1).await;
    let full = shop.me().post("/wishlist/1/move-to-cart", json!({})).await;
    full.is_problem(422, "cart.quantity_too_large");
    assert_eq!(shop.me().get("/wishlist").await.json["items"].as_array().unwrap().len(), 1, "the wish stays");
}

#[tokio::test]
async fn a_return_and_a_price_drop_alert_each_user_once() {
    let shop = Shop::open().await;
    shop.deliver(&changed(1, 4, 500, 0)).await;
    wish(&shop, 1).await;
    let other = shop.world.user();
    let others = shop.anyone.with_token(shop.world.customer(other));
    others.post("/wishlist", json!({"productId": 1})).await.expect(200);
    let cheaper = shop.world.envelope(&changed(1, 5, 400, 0));
    assert_eq!(shop.handle(cheaper.clone()).await, Outcome::Applied);
    assert_eq!(shop.handle(cheaper).await, Outcome::Ignored);
    shop.deliver(&changed(1, 5, 400, 0)).await;
    let dropped = shop.published::<WishlistPriceDropped>().await;
    let mut alerted: Vec<_> = dropped.iter().map(|event| event.user_id).collect();
    alerted.sort();
    let mut both = vec![shop.user, other];
    both.sort();
    assert_eq!(alerted, both);
    assert_eq!((dropped[0].old_price.minor, dropped[0].new_price.minor, dropped[0].revision), (500, 400, 5));
    // A higher price alerts no user. A return does once, whichever of the two events comes first, and how often.
    shop.deliver(&changed(1, 6, 600, 0)).await;
    for _ in 0..2 {
        shop.deliver(&back(1, 7, 600)).await;
        shop.deliver(&changed(1, 7, 600, 4)).await;
    }
    assert_eq!(shop.published::<WishlistPriceDropped>().await.len(), 2);
    let returned = shop.published::<WishlistBackInStock>().await;
    assert_eq!(returned.len(), 2);
    assert_eq!((returned[0].revision, returned[0].price.minor), (7, 600));
    // A late return of a product that is sold out again alerts no user.
    shop.deliver(&changed(1, 9, 600, 0)).await;
    shop.deliver(&back(1, 8, 600)).await;
    assert_eq!(shop.published::<WishlistBackInStock>().await.len(), 2);
}

#[tokio::test]
async fn a_delivery_that_only_publishes_missing_alerts_is_applied() {
    let shop = Shop::open().await;
    shop.deliver(&changed(1, 4, 500, 0)).await;
    wish(&shop, 1).await;
    let cheaper = changed(1, 5, 400, 0);
    let ProductChanged { product_id, name, price, stock, hidden, revision, .. } = cheaper.clone();
    let update = ProductUpdate { product_id, name, price, stock, hidden, link: None, revision, is_back: false };
    // As after a crash between the update of the copy and the alerts.
    shop.store.update_product(update).await.unwrap();
    let envelope = shop.world.envelope(&cheaper);
    assert_eq!(shop.handle(envelope.clone()).await, Outcome::Applied);
    assert_eq!(shop.published::<WishlistPriceDropped>().await.len(), 1);
    assert_eq!(shop.handle(envelope).await, Outcome::Ignored);
}

#[tokio::test]
async fn a_later_wish_gets_no_alert_of_earlier_changes() {
    let shop = Shop::open().await;
    shop.deliver(&changed(1, 4, 500, 0)).await;
    shop.deliver(&changed(1, 5, 400, 4)).await;
    shop.deliver(&back(1, 5, 400)).await;
    wish(&shop, 1).await;
    shop.deliver(&changed(1, 6, 400, 3)).await;
    shop.deliver(&back(1, 5, 400)).await;
    assert_eq!(shop.published::<WishlistPriceDropped>().await, []);
    assert_eq!(shop.published::<WishlistBackInStock>().await, []);
}

#[tokio::test]
async fn product_events_arrive_over_the_bus() {
    let shop = Shop::open().await;
    wish(&shop, 1).await;
    shop.world.publish(&changed(1, 2, 50, 10)).await;
    eventually("the price drop is published", || async { shop.published::<WishlistPriceDropped>().await.len() == 1 })
        .await;
}

#[tokio::test]
async fn replicas_publish_the_same_alert_once() {
    let shop = Shop::open().await;
    wish(&shop, 1).await;
    let user_id = shop.user;
    let product_id = ProductId::new(1).unwrap();
    let price = Money::new(50, Currency::EUR);
    let publish = || {
        let event = WishlistBackInStock { user_id, product_id, name: "x".to_owned(), price, revision: 5 };
        let envelope = shop.world.envelope(&event);
        shop.store.publish_alert(WishAlert { user_id, product_id, kind: AlertKind::BackInStock, revision: 5, envelope })
    };
    let published = futures::future::join_all((0..4).map(|_| publish())).await;
    assert_eq!(published.into_iter().filter(|published| *published.as_ref().unwrap()).count(), 1);
    assert_eq!(shop.published::<WishlistBackInStock>().await.len(), 1);
}
