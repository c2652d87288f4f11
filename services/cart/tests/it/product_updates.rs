//! Product updates: the copy keeps the highest revision, in whatever order events arrive.

use serde_json::json;
use souk_bus::Outcome;
use souk_events::{ProductChanged, StockBack};
use souk_values::{Clock, Currency, Id, Money, ProductId};

use crate::shop::{Shop, handle};

pub fn changed(product: i64, revision: i64, price: i64, stock: i64) -> ProductChanged {
    ProductChanged {
        product_id: ProductId::new(product).unwrap(),
        sku: format!("SKU-{product}"),
        name: format!("At {revision}"),
        price: Money::new(price, Currency::EUR),
        stock,
        hidden: false,
        slug: None,
        image_url: None,
        revision,
    }
}

pub fn back(product: i64, revision: i64, price: i64) -> StockBack {
    StockBack {
        product_id: ProductId::new(product).unwrap(),
        name: format!("At {revision}"),
        price: Money::new(price, Currency::EUR),
        stock: 4,
        revision,
    }
}

#[tokio::test]
async fn the_copy_keeps_the_highest_revision() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let newest = shop.world.envelope(&changed(1, 9, 250, 0));
    assert_eq!(shop.handle(newest.clone()).await, Outcome::Applied);
    assert_eq!(shop.handle(newest).await, Outcome::Ignored);
    assert_eq!(shop.deliver(&changed(1, 8, 900, 5)).await, Outcome::Ignored);
    assert_eq!(shop.deliver(&back(1, 7, 900)).await, Outcome::Ignored);
    let cart = shop.cart().await;
    let item = &cart["items"][0];
    assert_eq!((item["name"].as_str(), item["price"]["amount"].as_i64()), (Some("At 9"), Some(250)));
    assert_eq!((item["available"].as_bool(), cart["subtotal"]["amount"].as_i64()), (Some(false), Some(500)));
}

#[tokio::test]
async fn a_hidden_product_cannot_be_added() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    shop.deliver(&ProductChanged { hidden: true, ..changed(1, 5, 100, 5) }).await;
    let refused = shop.me().post("/cart", serde_json::json!({"productId": 1, "quantity": 1})).await;
    refused.is_problem(422, "cart.product_unknown");
    assert_eq!(shop.cart().await["items"][0]["available"], false);
}

#[tokio::test]
async fn a_price_in_another_currency_fails_the_message() {
    let shop = Shop::open().await;
    let dollars = Money::new(100, "USD".parse().unwrap());
    let event = ProductChanged { price: dollars, ..changed(1, 5, 100, 5) };
    let consumer = shop.consumers.iter().find(|consumer| consumer.queue() == "cart.products").unwrap();
    let failed = consumer.handle(shop.world.envelope(&event)).await;
    assert!(matches!(failed, Err(souk_bus::Failure::Handling(_))), "{failed:?}");
}

#[tokio::test]
async fn shuffled_and_repeated_updates_end_the_same() {
    for turn in 0..24_usize {
        let shop = Shop::open().await;
        let envelopes = [
            shop.world.envelope(&changed(1, 2, 300, 0)),
            shop.world.envelope(&changed(1, 3, 200, 4)),
            shop.world.envelope(&back(1, 3, 200)),
            shop.world.envelope(&changed(1, 4, 150, 3)),
        ];
        let mut left: Vec<usize> = (0..4).collect();
        let order: Vec<usize> = [turn % 4, turn / 4 % 3, turn / 12, 0].map(|at| left.remove(at)).to_vec();
        for &which in order.iter().chain(&order) {
            handle(&shop.consumers, envelopes[which].clone()).await;
        }
        let cart = shop.add(1, 1).await.json;
        let item = &cart["items"][0];
        assert_eq!((item["name"].as_str(), item["price"]["amount"].as_i64()), (Some("At 4"), Some(150)), "{order:?}");
        assert_eq!(item["available"], true, "{order:?}");
    }
}

#[tokio::test]
async fn items_and_wishes_lead_to_their_product() {
    let shop = Shop::open().await;
    let before = shop.world.clock.now();
    let added = shop.add(1, 2).await.json;
    assert_eq!(added["items"][0]["priceWhenAdded"], json!({"amount": 100, "currency": "EUR"}));
    let now = added["now"].as_str().unwrap();
    // Times have one format, so texts compare as times do.
    assert!(json!(before).as_str().unwrap() <= now && now <= json!(shop.world.clock.now()).as_str().unwrap(), "{now}");
    shop.me().post("/wishlist", json!({"productId": 1})).await.expect(200);
    let linked = |revision, price, stock| ProductChanged {
        slug: Some("kettle".to_owned()),
        image_url: Some("/a.png".to_owned()),
        ..changed(1, revision, price, stock)
    };
    shop.deliver(&linked(5, 250, 3)).await;
    let (cart, wishes) = (shop.cart().await, shop.me().get("/wishlist").await.expect(200).json);
    for item in [&cart["items"][0], &wishes["items"][0]] {
        assert_eq!((&item["slug"], &item["imageUrl"]), (&json!("kettle"), &json!("/a.png")));
        assert_eq!((&item["stock"], &item["price"]["amount"]), (&json!(3), &json!(250)));
        assert_eq!(item["priceWhenAdded"]["amount"], 100);
    }
    // An event of the release before, and a return to stock, have no link.
    shop.deliver(&changed(1, 6, 250, 0)).await;
    shop.deliver(&back(1, 7, 250)).await;
    assert_eq!(shop.cart().await["items"][0]["slug"], "kettle");
    let again = shop.add(1, 1).await.json;
    assert_eq!(again["items"][0]["priceWhenAdded"]["amount"], 250, "the price of the last addition counts");
    shop.deliver(&ProductChanged { image_url: None, hidden: true, ..linked(8, 250, 3) }).await;
    let item = shop.cart().await["items"][0].clone();
    assert_eq!((&item["imageUrl"], &item["stock"], &item["available"]), (&json!(null), &json!(0), &json!(false)));
}

#[tokio::test]
async fn a_copy_without_a_link_gets_it_from_a_quote() {
    let shop = Shop::open().await;
    shop.deliver(&changed(2, 9, 250, 4)).await;
    shop.add(2, 1).await;
    let item = shop.cart().await["items"][0].clone();
    assert_eq!(
        (&item["slug"], &item["price"]["amount"], &item["name"]),
        (&json!("product-2"), &json!(250), &json!("At 9"))
    );
}

#[tokio::test]
async fn a_guests_items_keep_their_price_when_they_are_merged() {
    let shop = Shop::open().await;
    let guest = shop.world.user();
    shop.guest(guest).post("/cart", json!({"productId": 3, "quantity": 1})).await.expect(200);
    shop.deliver(&changed(3, 9, 250, 4)).await;
    let token = shop.world.token(guest, souk_kit::auth::Role::Guest);
    let merged = shop.me().post("/cart/merge", json!({"guestToken": token})).await.expect(200).json;
    assert_eq!(merged["items"][0]["priceWhenAdded"]["amount"], 300);
}
