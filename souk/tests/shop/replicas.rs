//! Several replicas of services that share their engines.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use serde_json::{Value, json};
use souk_testkit::needs_engines;

use crate::{
    Shop, Shopper,
    shopper::{address, key},
};

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_buyers_of_fifty_units_on_three_replicas() {
    if !needs_engines() {
        return;
    }
    let shop = Shop::of_processes(&[("product", 3), ("order", 3)]).await;
    let kettle = shop.product("Kettle", 50).await;
    // Ten customers send fifty concurrent requests each.
    let people = join_all((0..10).map(|n| {
        let shop = &shop;
        async move { Shopper::register(shop, &format!("buyer{n}")).await }
    }))
    .await;
    let orders = join_all((0..500_usize).map(|n| {
        let buyer = &people[n % people.len()];
        async move {
            let body = json!({"shippingAddress": address(), "items": [{"productId": kettle, "quantity": 1}]});
            place_despite_overload(buyer, body).await
        }
    }))
    .await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for (n, order) in orders.iter().enumerate() {
        let buyer = &people[n % people.len()];
        let status = if order["status"] == "created" {
            // It was not decided within the time of `Prefer: wait`.
            let path = format!("/orders/{}", order["orderId"]);
            souk_testkit::eventually("it is decided", || async {
                buyer.client.get(&path).await.expect(200).json["status"] != "created"
            })
            .await;
            buyer.fetch_order(order).await["status"].clone()
        } else {
            order["status"].clone()
        };
        *outcomes.entry(status.as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(outcomes, BTreeMap::from([("cancelled".to_owned(), 450), ("confirmed".to_owned(), 50)]));
    assert_eq!(shop.stock(kettle).await, 0);
    shop.assert_clean().await;
}

/// Places an order as a client does: a shop that sheds load answers 503 with `Retry-After`, and the same request is sent
/// again under its key.
async fn place_despite_overload(buyer: &Shopper, body: Value) -> Value {
    let (client, key) = (buyer.client.with_header("prefer", "wait=10"), key());
    for _ in 0..20 {
        let response = client.post_keyed("/orders", &key, body.clone()).await;
        if response.status != 503 {
            return response.expect(201).json;
        }
        let seconds = response.header("retry-after").parse().unwrap();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    panic!("an order was refused with 503 twenty times");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_of_every_service_are_one_shop() {
    if !needs_engines() {
        return;
    }
    let three = ["auth", "product", "order", "cart", "payment", "notification"].map(|service| (service, 3));
    let mut shop = Shop::of_processes(&three).await;
    let kettle = shop.product("Kettle", 100).await;
    let ada = Shopper::register(&shop, "ada").await;
    let mut orders = Vec::new();
    for n in 0..12 {
        ada.put_into_cart(kettle, 1).await;
        let order = ada.order_cart("prepaid").await;
        assert_eq!(order["status"], "confirmed", "{order}");
        // A lost response is reconciled by one of three replicas; the payment is captured once.
        let token = if n % 4 == 0 { "tok_timeout" } else { "tok_visa" };
        ada.pay(&order, token).await.expect(201);
        orders.push(order);
        if n == 5 {
            // One replica of each service is killed; the others take over its work.
            for service in ["product", "order", "cart", "payment", "notification"] {
                shop.fleet().kill(service, 0);
            }
        }
    }
    for order in &orders {
        ada.wait_for_status(order, "paid").await;
    }
    shop.restart().await;
    assert_eq!(shop.stock(kettle).await, 88);
    let notices = ada.client.get("/notifications?size=100").await.expect(200).json;
    let of_kind = |kind: &str| notices["items"].as_array().unwrap().iter().filter(|one| one["kind"] == kind).count();
    assert_eq!(of_kind("order_paid"), 12, "{notices:#}");
    shop.assert_clean().await;
}
