//! The whole purchase, with each of its outcomes.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    Shop, Shopper,
    shopper::{address, key},
};

#[tokio::test]
async fn prepaid_from_cart_to_delivery() {
    let shop = Shop::start().await;
    let kettle = shop.product("Enamel kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let cart = ada.put_into_cart(kettle, 2).await;
    assert_eq!(cart["subtotal"], json!({"amount": 3998, "currency": "EUR"}));
    assert_eq!(cart["items"][0]["name"], "Enamel kettle");

    let order = ada.order_cart("prepaid").await;
    assert_eq!(order["status"], "confirmed");
    assert_eq!(order["totalAmount"], json!({"amount": 3998, "currency": "EUR"}));
    assert_eq!(shop.stock(kettle).await, 8, "two are set aside before any charge");
    ada.wait_for_cart_state("ordered").await;

    let payment = ada.pay(&order, "tok_visa").await.expect(201).json;
    assert_eq!(payment["status"], "succeeded");
    let paid = ada.wait_for_status(&order, "paid").await;
    assert!(paid["paidAt"].is_string());
    ada.wait_for_cart_state("purchased").await;
    assert_eq!(ada.cart().await["items"][0]["expiryTime"], Value::Null);

    let admin = shop.admin().await;
    let path = format!("/orders/{}", order["orderId"]);
    admin.post(&format!("{path}/deliver"), json!({})).await.is_problem(409, "order.not_deliverable");
    admin.post(&format!("{path}/ship"), json!({"carrier": "DHL", "trackingNumber": "JD01"})).await.expect(200);
    ada.client.post(&format!("{path}/cancel"), json!({})).await.is_problem(409, "order.not_cancellable");
    admin.post(&format!("{path}/deliver"), json!({})).await.expect(200);
    assert_eq!(ada.fetch_order(&order).await["status"], "delivered");
    let timeline = ada.client.get(&format!("{path}/timeline")).await.expect(200).json;
    let steps: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().map(|entry| entry["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["created", "confirmed", "paid", "shipped", "delivered"]);

    // The mails are written to the mailbox, where the admin sees them.
    eventually("the mails are written", || async {
        let mails = admin.get("/notifications/mailbox").await.expect(200).text;
        mails.contains("ada@example.com") && mails.matches("subject").count() >= 5
    })
    .await;
    let notices = ada.client.get("/notifications").await.expect(200).json;
    assert!(notices["total"].as_u64().unwrap() >= 4, "{notices}");
    shop.assert_clean().await;
}

#[tokio::test]
async fn whoever_registers_in_a_german_browser_gets_german_mails() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kessel", 3).await;
    let german = shop.client.with_header("accept-language", "de-AT,de;q=0.9,en;q=0.5");
    let eva = Shopper::register_at(&german, "eva").await;
    assert_eq!(eva.client.get("/auth/me").await.expect(200).json["language"], "de");
    let order = eva.order(kettle, 1).await;
    let admin = shop.admin().await;
    let subjects = ["Willkommen bei ".to_owned(), format!("Ihre Bestellung {} ist bestätigt", order["orderId"])];
    eventually("the mails are written in German", || async {
        let mails = admin.get("/notifications/mailbox?size=100").await.expect(200).text;
        subjects.iter().all(|subject| mails.contains(subject))
    })
    .await;
    let notices = eva.client.get("/notifications").await.expect(200).json;
    assert!(notices["items"].as_array().unwrap().iter().all(|notice| notice["language"] == "de"), "{notices}");
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_declined_card_may_be_followed_by_a_good_one() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 3).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 1).await;
    let declined = ada.pay(&order, "tok_declined").await.expect(201).json;
    assert_eq!(
        (declined["status"].as_str(), declined["failureCode"].as_str()),
        (Some("failed"), Some("card_declined"))
    );
    let poor = ada.pay(&order, "tok_insufficient_funds").await.expect(201).json;
    assert_eq!(poor["failureCode"], "insufficient_funds");
    let away = ada.pay(&order, "tok_provider_down").await.expect(201).json;
    assert_eq!(away["failureCode"], "provider_unavailable");
    assert_eq!(ada.fetch_order(&order).await["status"], "confirmed");
    assert_eq!(ada.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&order, "paid").await;
    ada.pay(&order, "tok_visa").await.expect(409);
    shop.assert_clean().await;
}

#[tokio::test]
async fn two_tabs_that_order_one_cart_make_one_order_and_after_its_cancellation_another() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 9).await;
    let ada = Shopper::register(&shop, "ada").await;
    let body = json!({"shippingAddress": address(), "paymentTerms": "onDelivery"});
    for round in 1..=4 {
        if round == 1 {
            ada.put_into_cart(kettle, 2).await;
        }
        ada.wait_for_cart_state("active").await;
        let answers = join_all((0..3).map(|_| ada.place(body.clone()))).await;
        let (placed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(placed.len(), 1, "round {round}");
        for answer in refused {
            // Empty if cart had learned of the order when the other tab read it.
            if answer.json["code"] != "order.cart_empty" {
                answer.is_problem(409, "order.cart_already_ordered");
                assert_eq!(answer.json["orderId"], placed[0].json["orderId"]);
            }
        }
        let orders = ada.client.get("/orders").await.expect(200).json;
        assert_eq!(orders["total"], round);
        ada.wait_for_cart_state("ordered").await;
        ada.client.post(&format!("/orders/{}/cancel", placed[0].json["orderId"]), json!({})).await.expect(200);
    }
    eventually("the stock is back", || async { shop.stock(kettle).await == 9 }).await;
    shop.assert_clean().await;
}

#[tokio::test]
async fn on_delivery_ships_first_and_is_paid_later() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 3).await;
    let ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(kettle, 1).await;
    let order = ada.order_cart("onDelivery").await;
    assert_eq!(order["status"], "confirmed");
    let admin = shop.admin().await;
    let path = format!("/orders/{}", order["orderId"]);
    admin.post(&format!("{path}/ship"), json!({"carrier": "DHL", "trackingNumber": "JD02"})).await.expect(200);
    assert_eq!(ada.fetch_order(&order).await["status"], "shipped");
    assert_eq!(ada.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&order, "paid").await;
    admin.post(&format!("{path}/deliver"), json!({})).await.expect(200);
    assert_eq!(ada.fetch_order(&order).await["status"], "delivered");
    shop.assert_clean().await;
}

#[tokio::test]
async fn out_of_stock_is_reported_with_the_line_and_nothing_is_reserved() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 1).await;
    let lamp = shop.product("Lamp", 5).await;
    let ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(kettle, 2).await;
    ada.put_into_cart(lamp, 1).await;
    let order = ada.order_cart("prepaid").await;
    assert_eq!((order["status"].as_str(), order["cancelReason"].as_str()), (Some("cancelled"), Some("out_of_stock")));
    assert_eq!(order["refusedLines"], json!([{"productId": kettle, "requested": 2, "available": 1}]));
    assert_eq!((shop.stock(kettle).await, shop.stock(lamp).await), (1, 5));
    ada.wait_for_cart_state("active").await;
    ada.pay(&order, "tok_visa").await.is_problem(409, "payment.order_not_payable");
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_cancelled_order_gives_stock_cart_and_money_back() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 4).await;
    let ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(kettle, 3).await;
    let order = ada.order_cart("prepaid").await;
    let path = format!("/orders/{}", order["orderId"]);
    ada.client.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    ada.pay(&order, "tok_visa").await.is_problem(409, "payment.order_not_payable");
    eventually("the stock is back", || async { shop.stock(kettle).await == 4 }).await;
    ada.wait_for_cart_state("active").await;

    let second = ada.order_cart("prepaid").await;
    let payment = ada.pay(&second, "tok_visa").await.expect(201).json;
    ada.wait_for_status(&second, "paid").await;
    let path = format!("/orders/{}", second["orderId"]);
    ada.client.post(&format!("{path}/cancel"), json!({})).await.is_problem(409, "order.not_cancellable");
    let admin = shop.admin().await;
    admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    eventually("the money is back", || async {
        let payment = ada.client.get(&format!("/payments/{}", payment["paymentId"])).await.expect(200).json;
        payment["status"] == "refunded"
    })
    .await;
    eventually("the stock is back", || async { shop.stock(kettle).await == 4 }).await;
    eventually("the order says so", || async { ada.fetch_order(&second).await["refundedAt"].is_string() }).await;
    shop.assert_clean().await;
}

#[tokio::test]
async fn an_unpaid_order_lapses_and_a_payment_that_comes_too_late_goes_back() {
    let shop = Shop::with_clock().await;
    let kettle = shop.product("Kettle", 4).await;
    let mut ada = Shopper::register(&shop, "ada").await;
    let forgotten = ada.order(kettle, 1).await;
    shop.advance(Duration::from_secs(1_800 + 31)).await;
    ada.sign_in_again(&shop).await;
    let lapsed = ada.wait_for_status(&forgotten, "cancelled").await;
    assert_eq!(lapsed["cancelReason"], "unpaid");
    eventually("the stock is back", || async { shop.stock(kettle).await == 4 }).await;
    ada.pay(&forgotten, "tok_visa").await.is_problem(409, "payment.order_not_payable");

    // The provider captures, its response is lost, and meanwhile the customer cancels.
    let order = ada.order(kettle, 1).await;
    let payment = ada.pay(&order, "tok_timeout").await.expect(201).json;
    assert_eq!(payment["status"], "processing");
    ada.client.post(&format!("/orders/{}/cancel", order["orderId"]), json!({})).await.expect(200);
    let path = format!("/payments/{}", payment["paymentId"]);
    shop.advance(Duration::from_secs(60)).await;
    eventually("the late capture is refunded", || async {
        ada.client.get(&path).await.expect(200).json["status"] == "refunded"
    })
    .await;
    assert_eq!(ada.fetch_order(&order).await["status"], "cancelled");
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_lost_response_is_settled_by_querying_the_provider() {
    let shop = Shop::with_clock().await;
    let kettle = shop.product("Kettle", 4).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 1).await;
    assert_eq!(ada.pay(&order, "tok_timeout").await.expect(201).json["status"], "processing");
    ada.pay(&order, "tok_visa").await.expect(409);
    shop.advance(Duration::from_secs(30)).await;
    ada.wait_for_status(&order, "paid").await;
    let slow = ada.order(kettle, 1).await;
    let payment = ada.pay(&slow, "tok_slow").await.expect(201).json;
    assert!(["succeeded", "processing"].contains(&payment["status"].as_str().unwrap()));
    ada.wait_for_status(&slow, "paid").await;
    shop.assert_clean().await;
}

#[tokio::test]
async fn a_refund_in_parts_and_in_full() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 4).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    let payment = ada.pay(&order, "tok_visa").await.expect(201).json;
    ada.wait_for_status(&order, "paid").await;
    let admin = shop.admin().await;
    let path = format!("/payments/{}", payment["paymentId"]);
    let part = json!({"amount": {"amount": 998, "currency": "EUR"}});
    ada.client.post_keyed(&format!("{path}/refund"), &key(), part.clone()).await.is_problem(403, "auth.forbidden");
    admin.post_keyed(&format!("{path}/refund"), &key(), part).await.expect(200);
    eventually("a part is back", || async { admin.get(&path).await.json["refundedAmount"]["amount"] == 998 }).await;
    assert_eq!(admin.get(&path).await.json["status"], "succeeded");
    let too_much = json!({"amount": {"amount": 3001, "currency": "EUR"}});
    admin.post_keyed(&format!("{path}/refund"), &key(), too_much).await.is_problem(422, "payment.refund_too_large");
    admin.post_keyed(&format!("{path}/refund"), &key(), json!({})).await.expect(200);
    eventually("all is back", || async { admin.get(&path).await.json["status"] == "refunded" }).await;
    let cancelled = ada.wait_for_status(&order, "cancelled").await;
    assert_eq!(cancelled["cancelReason"], "refunded");
    eventually("the stock is back", || async { shop.stock(kettle).await == 4 }).await;
    shop.assert_clean().await;
}

#[tokio::test]
async fn one_key_makes_one_order_and_one_payment_however_often_it_is_sent() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 40).await;
    let ada = Shopper::register(&shop, "ada").await;
    let (order_key, payment_key) = (key(), key());
    let body = json!({"shippingAddress": address(), "items": [{"productId": kettle, "quantity": 1}]});
    let placed = join_all((0..8).map(|_| ada.client.post_keyed("/orders", &order_key, body.clone()))).await;
    let ids: Vec<&Value> =
        placed.iter().filter(|answer| answer.status == 201).map(|answer| &answer.json["orderId"]).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{placed:?}");
    assert!(placed.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())), "{placed:?}");
    let other = json!({"shippingAddress": address(), "items": [{"productId": kettle, "quantity": 2}]});
    ada.client.post_keyed("/orders", &order_key, other).await.is_problem(422, "idempotency_key.reused");
    assert_eq!(ada.client.get("/orders").await.json["total"], 1);

    let order = json!({"orderId": ids[0]});
    ada.wait_for_status(&order, "confirmed").await;
    let body = json!({"orderId": order["orderId"], "method": {"type": "card", "token": "tok_visa"}});
    let paid = join_all((0..8).map(|_| ada.client.post_keyed("/payments", &payment_key, body.clone()))).await;
    assert!(paid.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())), "{paid:?}");
    ada.wait_for_status(&order, "paid").await;
    let payments = ada.client.get(&format!("/payments?orderId={}", order["orderId"])).await.expect(200).json;
    assert_eq!(payments["total"], 1, "{payments}");
    shop.assert_clean().await;
}

#[tokio::test]
async fn invalid_and_forbidden_requests_are_refused_and_store_nothing() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 5).await;
    let ada = Shopper::register(&shop, "ada").await;
    let eve = Shopper::register(&shop, "eve").await;
    let order = ada.order(kettle, 1).await;
    let path = format!("/orders/{}", order["orderId"]);
    eve.client.get(&path).await.is_problem(404, "order.not_found");
    eve.client.post(&format!("{path}/cancel"), json!({})).await.is_problem(404, "order.not_found");
    eve.pay(&order, "tok_visa").await.is_problem(404, "payment.order_not_found");
    shop.client.get(&path).await.is_problem(401, "auth.token_missing");
    shop.client.with_token("x.y.z").get(&path).await.is_problem(401, "auth.token_invalid");
    let place = |items: Value| {
        let ada = ada.clone();
        async move { ada.place(json!({"shippingAddress": address(), "items": items})).await }
    };
    for quantity in [json!(0), json!(100)] {
        place(json!([{"productId": kettle, "quantity": quantity}])).await.is_problem(422, "body.not_allowed");
    }
    for item in [
        json!({"productId": kettle, "quantity": -1}),
        json!({"productId": kettle, "quantity": "1"}),
        json!({"productId": kettle, "quantity": 1, "price": {"amount": 1, "currency": "EUR"}}),
        json!({"productId": 0, "quantity": 1}),
    ] {
        place(json!([item])).await.is_problem(400, "body.invalid");
    }
    place(json!([{"productId": 987_654_321, "quantity": 1}])).await.is_problem(422, "order.product_unknown");
    ada.place(json!({"shippingAddress": address()})).await.is_problem(422, "order.cart_empty");
    let guest = shop.client.post("/auth/guest", json!({})).await.expect(200).json;
    let guest = shop.client.with_token(guest["accessToken"].as_str().unwrap());
    guest.post("/cart", json!({"productId": kettle, "quantity": 1})).await.expect(200);
    guest.get("/orders").await.is_problem(403, "auth.forbidden");
    guest.get("/wishlist").await.is_problem(403, "auth.forbidden");
    shop.client.get("/internal/orders/1").await.expect(404);
    assert_eq!(ada.client.get("/orders").await.json["total"], 1);
    shop.assert_clean().await;
}
