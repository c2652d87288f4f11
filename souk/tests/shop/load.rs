//! Shoppers who order, pay and cancel whatever happens to the shop, and record each response that acknowledges
//! something.

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
use souk_testkit::Client;
use tokio::task::JoinHandle;

use crate::{Shop, Shopper, shopper::address, shopper::key};

/// Limit of reaching a final state once the faults are over. It covers the longest pause between two retries, and the
/// reconciliation of payments with the provider.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(90);

/// Shoppers that run as tasks until [`Load::stop`].
pub struct Load {
    shoppers: Vec<JoinHandle<()>>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    is_over: Arc<AtomicBool>,
}

/// Resources that the shop has acknowledged with a response.
#[derive(Debug, Clone, Default)]
pub struct Acknowledged {
    /// Orders by idempotency key.
    pub orders: BTreeMap<String, Value>,
    /// Payments by order id.
    pub payments: BTreeMap<String, Value>,
    /// Orders whose cancellation was acknowledged.
    pub cancelled: Vec<Value>,
}

impl Load {
    /// Starts six shoppers, who buy three products of `shop`. Their choices are determined by `seed`.
    pub async fn start(shop: &Shop, seed: u64) -> Self {
        let products =
            [shop.product("Kettle", 100_000).await, shop.product("Lamp", 30).await, shop.product("Mug", 100_000).await];
        let register = |n: usize| async move { Shopper::register(shop, &format!("person{n}")).await };
        let people = join_all((0..6).map(register)).await;
        let acknowledged: Arc<Mutex<Acknowledged>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let shoppers = people
            .iter()
            .zip(0_u64..)
            .map(|(person, n)| {
                let random = StdRng::seed_from_u64(seed.wrapping_add(n));
                tokio::spawn(keep_buying(person.clone(), products, random, acknowledged.clone(), is_over.clone()))
            })
            .collect();
        Self { shoppers, acknowledged, is_over }
    }

    /// Returns the number of acknowledged orders.
    pub fn orders(&self) -> usize {
        self.acknowledged.lock().unwrap().orders.len()
    }

    /// Returns what was acknowledged so far.
    pub fn so_far(&self) -> Acknowledged {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Returns the number of orders that were acknowledged before they were confirmed or cancelled.
    pub fn undecided(&self) -> usize {
        self.acknowledged.lock().unwrap().orders.values().filter(|order| order["status"] == "created").count()
    }

    /// Stops each shopper after the current purchase, and returns what was acknowledged.
    pub async fn stop(self) -> Acknowledged {
        self.is_over.store(true, Ordering::SeqCst);
        for shopper in self.shoppers {
            shopper.await.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

impl Acknowledged {
    /// Asserts that every acknowledged resource exists, every order reaches a final state, and all invariants hold.
    pub async fn assert_kept(&self, shop: &Shop) {
        let admin = shop.admin().await;
        for order in self.orders.values() {
            assert_settled(&admin, order).await;
        }
        for payment in self.payments.values() {
            let now = admin.get(&format!("/payments/{}", payment["paymentId"])).await.expect(200).json;
            if payment["status"] == "succeeded" {
                assert!(["succeeded", "refunded"].contains(&now["status"].as_str().unwrap()), "{payment} became {now}");
            }
        }
        for order in &self.cancelled {
            let now = admin.get(&format!("/orders/{}", order["orderId"])).await.expect(200).json;
            assert_eq!(now["status"], "cancelled");
        }
        shop.assert_clean().await;
    }
}

/// Polls `path` until its body satisfies `is_done`, and returns the body. Panics with the last one after a limit.
async fn wait_until(admin: &Client, path: &str, is_done: impl Fn(&Value) -> bool) -> Value {
    let started = std::time::Instant::now();
    loop {
        let now = admin.get(path).await;
        if now.status == 200 && is_done(&now.json) {
            return now.json;
        }
        assert!(started.elapsed() < SETTLE_TIMEOUT, "{path} is still {}", now.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until an acknowledged order is decided, and paid if its payment succeeded.
async fn assert_settled(admin: &Client, order: &Value) {
    let path = format!("/orders/{}", order["orderId"]);
    wait_until(admin, &path, |order| order["status"] != "created").await;
    let is_open = |payment: &Value| payment["status"] == "processing";
    let payments = format!("/payments?orderId={}", order["orderId"]);
    let payments = wait_until(admin, &payments, |list| !list["items"].as_array().unwrap().iter().any(is_open)).await;
    if payments["items"].as_array().unwrap().iter().any(|payment| payment["status"] == "succeeded") {
        wait_until(admin, &path, |order| order["paidAt"].is_string()).await;
    }
}

/// Orders, pays and cancels until `is_over`. A request whose response was lost is repeated with the same key, and one whose
/// token has expired with a new one.
async fn keep_buying(
    mut person: Shopper,
    products: [i64; 3],
    mut random: StdRng,
    acknowledged: Arc<Mutex<Acknowledged>>,
    is_over: Arc<AtomicBool>,
) {
    while !is_over.load(Ordering::SeqCst) {
        let product = products[random.random_range(0..products.len())];
        let body = if random.random_bool(0.3) {
            let _ = person
                .client
                .try_send(Method::POST, "/cart", Some(json!({"productId": product, "quantity": 1}).to_string()))
                .await;
            json!({"shippingAddress": address()})
        } else {
            json!({"shippingAddress": address(), "items": [{"productId": product, "quantity": random.random_range(1..3)}]})
        };
        let order_key = key();
        let Some(order) = send_until_answered(&mut person, "/orders", &order_key, &body, &is_over).await else {
            continue;
        };
        acknowledged.lock().unwrap().orders.insert(order_key, order.clone());
        if random.random_bool(0.15) {
            let path = format!("/orders/{}/cancel", order["orderId"]);
            if let Ok(answer) = person.client.try_send(Method::POST, &path, None).await
                && answer.status == 200
            {
                acknowledged.lock().unwrap().cancelled.push(order);
            }
            continue;
        }
        let token = ["tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_timeout"][random.random_range(0..5)];
        let body = json!({"orderId": order["orderId"], "method": {"type": "card", "token": token}});
        if let Some(payment) = send_until_answered(&mut person, "/payments", &key(), &body, &is_over).await {
            acknowledged.lock().unwrap().payments.insert(order["orderId"].to_string(), payment);
        }
    }
}

/// Repeats a request until it is acknowledged. Returns `None` when it is refused, or when `is_over`.
async fn send_until_answered(
    person: &mut Shopper,
    path: &str,
    key: &str,
    body: &Value,
    is_over: &AtomicBool,
) -> Option<Value> {
    loop {
        let client = person.client.with_header("idempotency-key", key).with_header("prefer", "wait=2");
        match client.try_send(Method::POST, path, Some(body.to_string())).await {
            Ok(answer) if answer.status == 201 => return Some(answer.json),
            // The load of a long run outlives a token.
            Ok(answer) if answer.status == 401 => {
                person.try_to_sign_in().await;
            }
            // Final: out of stock meanwhile, an empty cart, or not payable.
            Ok(answer) if answer.status.is_client_error() => return None,
            // No response, half a response, or a service that has just restarted.
            Ok(_) | Err(_) => {}
        }
        if is_over.load(Ordering::SeqCst) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
