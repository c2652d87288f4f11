//! More buyers than units of one product.

use futures::future::join_all;
use serde_json::json;

use crate::{Shop, Shopper, shopper::address, shopper::key};

#[tokio::test]
async fn two_hundred_buyers_of_the_last_twenty() {
    let shop = Shop::start().await;
    let kettle = shop.product("The last kettles", 20).await;
    // Ten customers order twenty times each: registering two hundred would hash as many passwords.
    let buyers = join_all((0..10).map(|n| {
        let shop = &shop;
        async move { Shopper::register(shop, &format!("buyer{n}")).await }
    }))
    .await;
    let orders = join_all((0..200).map(|n| {
        let buyer = buyers[n % buyers.len()].clone();
        async move {
            let items = json!([{"productId": kettle, "quantity": 1}]);
            let body = json!({"shippingAddress": address(), "items": items});
            let placed = buyer
                .client
                .with_header("prefer", "wait=10")
                .post_keyed("/orders", &key(), body)
                .await
                .expect(201)
                .json;
            (buyer, placed)
        }
    }))
    .await;
    let mut confirmed = Vec::new();
    let mut refused = 0;
    for (buyer, order) in &orders {
        let now = if order["status"] == "created" { buyer.fetch_order(order).await } else { order.clone() };
        match now["status"].as_str().unwrap() {
            "confirmed" => confirmed.push((buyer, now)),
            "cancelled" => {
                assert_eq!(now["cancelReason"], "out_of_stock");
                assert_eq!(now["refusedLines"][0]["productId"], kettle);
                refused += 1;
            }
            other => panic!("an order was not decided: {other}"),
        }
    }
    assert_eq!((confirmed.len(), refused), (20, 180));
    assert_eq!(shop.stock(kettle).await, 0);
    for (buyer, order) in confirmed {
        assert_eq!(buyer.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
        buyer.wait_for_status(&order, "paid").await;
    }
    shop.assert_clean().await;
}
