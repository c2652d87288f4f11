//! SIGKILL at random moments under load: nothing acknowledged is lost, every saga is finished.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use souk_testkit::{Client, eventually};

use crate::{Shop, Shopper, shopper::address, shopper::key};

/// Kills in one run: 20 in CI; `make soak` asks for 1,000.
fn kills() -> usize {
    std::env::var("SOUK_CRASH_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// What the shop has acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    /// Orders by the key they were placed with.
    orders: BTreeMap<String, Value>,
    /// Payments by the order they are for.
    payments: BTreeMap<String, Value>,
    /// Orders whose cancelling was answered.
    cancelled: Vec<Value>,
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let seed =
        std::env::var("SOUK_CRASH_SEED").map_or_else(|_| u64::from(std::process::id()), |text| text.parse().unwrap());
    println!("SOUK_CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut shop = Shop::start_with(&["--empty"]).await;
    let products =
        [shop.product("Kettle", 100_000).await, shop.product("Lamp", 30).await, shop.product("Mug", 100_000).await];
    let people = join_all((0..6).map(|n| {
        let shop = &shop;
        async move { Shopper::register(shop, &format!("person{n}")).await }
    }))
    .await;
    let acknowledged: Arc<Mutex<Acknowledged>> = Arc::default();
    let is_over = Arc::new(AtomicBool::new(false));
    let shoppers: Vec<_> = people
        .iter()
        .zip(0_u64..)
        .map(|(person, n)| {
            let random = StdRng::seed_from_u64(seed.wrapping_add(n));
            tokio::spawn(keep_buying(person.client.clone(), products, random, acknowledged.clone(), is_over.clone()))
        })
        .collect();
    for round in 0..kills() {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        shop.kill().await;
        shop.restart().await;
        println!("kill {}: {} orders so far", round + 1, acknowledged.lock().unwrap().orders.len());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    is_over.store(true, Ordering::SeqCst);
    join_all(shoppers).await;

    let Acknowledged { orders, payments, cancelled } = std::mem::take(&mut *acknowledged.lock().unwrap());
    assert!(orders.len() >= kills(), "the load was too light to say anything: {} orders", orders.len());
    assert!(!payments.is_empty());
    let admin = shop.admin().await;
    for order in orders.values() {
        is_settled(&admin, order).await;
    }
    for payment in payments.values() {
        let now = admin.get(&format!("/payments/{}", payment["paymentId"])).await.expect(200).json;
        if payment["status"] == "succeeded" {
            assert!(["succeeded", "refunded"].contains(&now["status"].as_str().unwrap()), "{payment} became {now}");
        }
    }
    for order in &cancelled {
        let now = admin.get(&format!("/orders/{}", order["orderId"])).await.expect(200).json;
        assert_eq!(now["status"], "cancelled");
    }
    shop.is_clean().await;
}

/// An acknowledged order is there, decided, and paid if its payment was.
async fn is_settled(admin: &Client, order: &Value) {
    let path = format!("/orders/{}", order["orderId"]);
    eventually("the order is decided", || async { admin.get(&path).await.expect(200).json["status"] != "created" })
        .await;
    let payments = format!("/payments?orderId={}", order["orderId"]);
    eventually("no payment is under way", || async {
        let payments = admin.get(&payments).await.expect(200).json;
        payments["items"].as_array().unwrap().iter().all(|payment| payment["status"] != "processing")
    })
    .await;
    let payments = admin.get(&payments).await.expect(200).json;
    let captured = payments["items"].as_array().unwrap().iter().any(|payment| payment["status"] == "succeeded");
    if captured {
        eventually("a captured order is paid", || async {
            admin.get(&path).await.expect(200).json["paidAt"].is_string()
        })
        .await;
    }
}

/// Orders, pays and cancels until it is over; a lost answer is asked for again with the same key.
async fn keep_buying(
    client: Client,
    products: [i64; 3],
    mut random: StdRng,
    acknowledged: Arc<Mutex<Acknowledged>>,
    is_over: Arc<AtomicBool>,
) {
    while !is_over.load(Ordering::SeqCst) {
        let product = products[random.random_range(0..products.len())];
        let body = if random.random_bool(0.3) {
            let _ = client
                .try_send(Method::POST, "/cart", Some(json!({"productId": product, "quantity": 1}).to_string()))
                .await;
            json!({"shippingAddress": address()})
        } else {
            json!({"shippingAddress": address(), "items": [{"productId": product, "quantity": random.random_range(1..3)}]})
        };
        let order_key = key();
        let Some(order) = insist(&client, "/orders", &order_key, &body, &is_over).await else { continue };
        acknowledged.lock().unwrap().orders.insert(order_key, order.clone());
        if random.random_bool(0.15) {
            let path = format!("/orders/{}/cancel", order["orderId"]);
            if let Ok(answer) = client.try_send(Method::POST, &path, None).await
                && answer.status == 200
            {
                acknowledged.lock().unwrap().cancelled.push(order);
            }
            continue;
        }
        let token = ["tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_timeout"][random.random_range(0..5)];
        let body = json!({"orderId": order["orderId"], "method": {"type": "card", "token": token}});
        if let Some(payment) = insist(&client, "/payments", &key(), &body, &is_over).await {
            acknowledged.lock().unwrap().payments.insert(order["orderId"].to_string(), payment);
        }
    }
}

/// Sends until it is answered for good; `None` when it is refused or it is over.
async fn insist(client: &Client, path: &str, key: &str, body: &Value, is_over: &AtomicBool) -> Option<Value> {
    let client = client.with_header("idempotency-key", key).with_header("prefer", "wait=2");
    loop {
        match client.try_send(Method::POST, path, Some(body.to_string())).await {
            Ok(answer) if answer.status == 201 => return Some(answer.json),
            // Refused for good: out of stock meanwhile, cart empty, not payable.
            Ok(answer) if answer.status.is_client_error() => return None,
            // No answer, half an answer, or a service that is only just back.
            Ok(_) | Err(_) if is_over.load(Ordering::SeqCst) => return None,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(30)).await,
        }
    }
}
