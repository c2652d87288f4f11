//! Product updates: the copy keeps the highest revision, in whatever order events arrive.

use souk_bus::Outcome;
use souk_events::{ProductChanged, StockBack};
use souk_values::{Currency, Id, Money, ProductId};

use crate::shop::{Shop, handle};

pub fn changed(product: i64, revision: i64, price: i64, stock: i64) -> ProductChanged {
    ProductChanged {
        product_id: ProductId::new(product).unwrap(),
        sku: format!("SKU-{product}"),
        name: format!("At {revision}"),
        price: Money::new(price, Currency::EUR),
        stock,
        hidden: false,
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
