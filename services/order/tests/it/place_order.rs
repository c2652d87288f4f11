//! Placing orders: prices, keys, the cart, waiting.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};
use souk_events::{OrderCreated, PaymentTerms, queue};
use souk_testkit::eventually;
use souk_values::{Id, OrderId};

use crate::rig::{Rig, address, cart_line, euro, order_body, rejected, reserved};

#[tokio::test]
async fn an_order_has_the_shops_prices_and_is_published_whole() {
    let rig = Rig::new().await;
    let answer = rig.client.post_keyed("/orders", "k1", order_body("onDelivery")).await.expect(201);
    let order = &answer.json;
    assert_eq!(answer.header("location"), format!("/orders/{}", order["orderId"]));
    assert_eq!(answer.header("etag"), "\"v1\"");
    assert_eq!(answer.header("preference-applied"), "");
    assert_eq!(order["status"], "created");
    assert_eq!(order["paymentTerms"], "onDelivery");
    assert_eq!(order["totalAmount"], json!({"amount": 4_498, "currency": "EUR"}));
    assert_eq!(order["items"][0]["price"], json!({"amount": 1_999, "currency": "EUR"}));
    assert_eq!(order["items"][0]["name"], "Product 1001");
    assert_eq!(order["userId"], rig.user.get());
    let fields: Vec<&String> = order.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "items",
            "orderDate",
            "orderId",
            "paymentTerms",
            "shippingAddress",
            "status",
            "totalAmount",
            "userId",
            "version"
        ]
    );
    let events: Vec<OrderCreated> = rig.published(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!(events.len(), 1);
    let facts = &events[0].order;
    assert_eq!((facts.total_amount, facts.payment_terms), (euro(4_498), PaymentTerms::OnDelivery));
    assert_eq!((facts.version, facts.items.len(), facts.pay_by), (1, 2, None));
    assert!(facts.items.iter().all(|line| line.cart_item_id.is_none()));
}

#[tokio::test]
async fn an_address_is_that_of_a_country() {
    let rig = Rig::new().await;
    let placed = |key: &'static str, country: &str, postal_code: Option<&str>| {
        let mut body = order_body("prepaid");
        body["shippingAddress"]["country"] = json!(country);
        body["shippingAddress"].as_object_mut().unwrap().remove("postalCode");
        if let Some(code) = postal_code {
            body["shippingAddress"]["postalCode"] = json!(code);
        }
        let client = rig.client.clone();
        async move { client.post_keyed("/orders", key, body).await }
    };
    let order = placed("a", "HK", None).await.expect(201).json;
    assert_eq!(order["shippingAddress"].get("postalCode"), None);
    let shown = rig.client.get(&format!("/orders/{}", order["orderId"])).await.expect(200).json;
    assert_eq!(shown["shippingAddress"], order["shippingAddress"]);
    let order = placed("b", "GB", Some(" sw1a 1aa")).await.expect(201).json;
    assert_eq!(order["shippingAddress"]["postalCode"], "SW1A 1AA");

    for (number, (country, code, field, message)) in [
        ("UK", Some("SW1A 1AA"), "country", "; write GB for "),
        ("Germany", Some("10115"), "country", "; write DE for Germany"),
        ("DE", None, "postalCode", "is required in Germany"),
        ("DE", Some("SW1A 1AA"), "postalCode", "is not a postal code of Germany"),
    ]
    .into_iter()
    .enumerate()
    {
        let key: &'static str = ["w", "x", "y", "z"][number];
        let refused = placed(key, country, code).await;
        refused.is_problem(422, "body.not_allowed");
        let errors = refused.json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0]["field"], format!("shippingAddress.{field}"));
        assert!(errors[0]["message"].as_str().unwrap().contains(message), "{errors:?}");
    }
}

#[tokio::test]
async fn without_items_the_cart_is_ordered_and_notified() {
    let rig = Rig::new().await;
    let body = json!({"shippingAddress": address()});
    rig.client.post_keyed("/orders", "k1", body.clone()).await.is_problem(422, "order.cart_empty");
    *rig.shop.cart.lock().unwrap() = vec![cart_line("a", 1001, 3), cart_line("b", 1002, 1)];
    let order = rig.client.post_keyed("/orders", "k1", body.clone()).await.expect(201).json;
    assert_eq!(order["paymentTerms"], "prepaid");
    assert_eq!(order["totalAmount"]["amount"], 3 * 1_999 + 500);
    eventually("the cart is notified", || async { !rig.shop.cart_notices.lock().unwrap().is_empty() }).await;
    let notice = rig.shop.cart_notices.lock().unwrap()[0].clone();
    assert_eq!(notice.lines, [cart_line("a", 1001, 3), cart_line("b", 1002, 1)]);
    assert_eq!(notice.order_id.get(), order["orderId"]);
    let created: Vec<OrderCreated> = rig.published(&queue::CART_ORDERS, 1).await;
    assert_eq!(created[0].order.items[0].cart_item_id.as_deref(), Some("a"));
    // The key is looked up before the cart, which is empty now.
    let again = rig.client.post_keyed("/orders", "k1", body).await.expect(201).json;
    assert_eq!(again["orderId"], order["orderId"]);
}

#[tokio::test]
async fn a_key_makes_one_order_and_belongs_to_its_user_and_body() {
    let rig = Rig::new().await;
    let first = rig.client.post_keyed("/orders", "K", order_body("prepaid")).await.expect(201).json;
    let id = OrderId::new(first["orderId"].as_i64().unwrap()).unwrap();
    rig.world.publish(&reserved(id)).await;
    rig.until(id, "confirmed").await;
    let again = rig.client.post_keyed("/orders", "K", order_body("prepaid")).await.expect(201).json;
    assert_eq!((&again["orderId"], &again["status"]), (&first["orderId"], &json!("confirmed")));
    let other = rig.client.post_keyed("/orders", "K", order_body("onDelivery")).await;
    other.is_problem(422, "idempotency_key.reused");
    let differs_in_case = rig.client.post_keyed("/orders", "k", order_body("prepaid")).await.expect(201).json;
    assert_ne!(differs_in_case["orderId"], first["orderId"]);
    let stranger = rig.started.client.with_token(rig.world.customer(rig.world.user()));
    let theirs = stranger.post_keyed("/orders", "K", order_body("prepaid")).await.expect(201).json;
    assert_ne!(theirs["orderId"], first["orderId"]);
    assert_eq!(rig.client.get("/orders").await.json["total"], 2);
}

#[tokio::test]
async fn sixteen_concurrent_requests_with_one_key_make_one_order() {
    let rig = Rig::new().await;
    let posts = (0..16).map(|_| rig.client.post_keyed("/orders", "same", order_body("prepaid")));
    let answers = futures::future::join_all(posts).await;
    let mut ids: Vec<Value> = answers.into_iter().map(|answer| answer.expect(201).json["orderId"].clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(rig.client.get("/orders").await.json["total"], 1);
    let events: Vec<OrderCreated> = rig.published(&queue::PRODUCT_ORDERS, 1).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn a_refused_order_stores_nothing_not_even_its_key() {
    let rig = Rig::new().await;
    let body = |product: i64, quantity: u32| json!({"shippingAddress": address(), "items": [{"productId": product, "quantity": quantity}]});
    rig.client.post_keyed("/orders", "k", body(4711, 1)).await.is_problem(422, "order.product_unknown");
    rig.client.post_keyed("/orders", "k", body(1003, 99)).await.is_problem(422, "order.total_too_large");
    let twice = json!({"shippingAddress": address(),
        "items": [{"productId": 1001, "quantity": 1}, {"productId": 1001, "quantity": 1}]});
    rig.client.post_keyed("/orders", "k", twice).await.is_problem(422, "order.product_repeated");
    assert_eq!(rig.client.get("/orders").await.json["total"], 0);
    rig.client.post_keyed("/orders", "k", body(1001, 1)).await.expect(201);
}

#[tokio::test]
async fn while_product_or_cart_is_unavailable_the_response_has_retry_after() {
    let rig = Rig::new().await;
    let from_cart = json!({"shippingAddress": address()});
    rig.shop.cart_is_down.store(true, Ordering::SeqCst);
    let answer = rig.client.post_keyed("/orders", "a", from_cart.clone()).await;
    answer.is_problem(503, "cart.unavailable");
    assert_ne!(answer.header("retry-after"), "");
    rig.client.post_keyed("/orders", "b", order_body("prepaid")).await.expect(201);
    rig.shop.product_is_down.store(true, Ordering::SeqCst);
    let answer = rig.client.post_keyed("/orders", "c", order_body("prepaid")).await;
    answer.is_problem(503, "product.unavailable");
    assert_ne!(answer.header("retry-after"), "");
    // A repeated request needs no other service.
    rig.client.post_keyed("/orders", "b", order_body("prepaid")).await.expect(201);
}

#[tokio::test]
async fn a_caller_may_wait_until_the_order_is_confirmed_or_refused() {
    let rig = Rig::new().await;
    let waiting = rig.client.with_header("prefer", "wait=8");
    for (key, status) in [("yes", "confirmed"), ("no", "cancelled")] {
        let answer = async { waiting.post_keyed("/orders", key, order_body("prepaid")).await.expect(201) };
        let decide = async {
            let mut id = None;
            eventually("it is placed", || async { rig.client.get("/orders?status=created").await.json["total"] == 1 })
                .await;
            let list = rig.client.get("/orders?status=created").await.json;
            id.replace(OrderId::new(list["items"][0]["orderId"].as_i64().unwrap()).unwrap());
            let id = id.unwrap();
            if status == "confirmed" {
                rig.world.publish(&reserved(id)).await;
            } else {
                rig.world.publish(&rejected(id)).await;
            }
        };
        let (answer, ()) = futures::join!(answer, decide);
        assert_eq!(answer.json["status"], status);
        assert_eq!(answer.header("preference-applied"), "wait=8");
    }
    let refused = rig.client.get("/orders?status=cancelled").await.json;
    assert_eq!(refused["items"][0]["cancelReason"], "out_of_stock");
    assert_eq!(refused["items"][0]["refusedLines"], json!([{"productId": 1001, "requested": 2, "available": 1}]));
}

#[tokio::test]
async fn a_wait_ends_without_a_decision() {
    let rig = Rig::new().await;
    let waiting = rig.client.with_header("prefer", "wait=1");
    let request = waiting.post_keyed("/orders", "k", order_body("prepaid"));
    let answer = tokio::time::timeout(Duration::from_secs(8), request).await.unwrap().expect(201);
    assert_eq!(answer.json["status"], "created");
    assert_eq!(answer.header("preference-applied"), "wait=1");
}

#[tokio::test]
async fn stopping_ends_the_waits_of_callers() {
    let rig = Rig::new().await;
    let waiting = rig.client.with_header("prefer", "wait=10");
    let request = async { waiting.post_keyed("/orders", "k", order_body("prepaid")).await };
    let stop = async {
        eventually("it is placed", || async { rig.client.get("/orders").await.json["total"] == 1 }).await;
        rig.started.running.stop().await
    };
    let (answer, drained) = futures::join!(request, stop);
    assert_eq!(answer.expect(201).json["status"], "created");
    assert!(drained);
}
