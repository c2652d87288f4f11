//! A customer who registers, fills a cart, orders and pays.

use reqwest::Method;
use serde_json::{Value, json};
use souk_testkit::{Client, TestResponse, eventually};

use crate::Shop;

#[derive(Debug, Clone)]
pub struct Shopper {
    /// Client with the customer's token.
    pub client: Client,
    pub email: String,
}

const PASSWORD: &str = "correct horse battery";

pub fn address() -> Value {
    json!({"name": "Ada Byron", "line1": "12 Analytical Row", "city": "Lyon", "postalCode": "69001", "country": "FR"})
}

/// Returns a new idempotency key.
pub fn key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("key-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

impl Shopper {
    /// Registers under the unused name `name`.
    pub async fn register(shop: &Shop, name: &str) -> Self {
        Self::register_at(&shop.client, name).await
    }

    /// Registers at the shop of `client`.
    pub async fn register_at(client: &Client, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let answer = client.post("/auth/register", body).await.expect(201);
        let client = client.with_token(answer.json["accessToken"].as_str().unwrap());
        Self { client, email }
    }

    /// Signs in again, after the clock was moved.
    pub async fn sign_in_again(&mut self, shop: &Shop) {
        let body = json!({"email": self.email, "password": PASSWORD});
        let answer = shop.client.post("/auth/login", body).await.expect(200);
        self.client = shop.client.with_token(answer.json["accessToken"].as_str().unwrap());
    }

    /// Signs in again if the shop answers. Without an answer, or with a refusal, the old token stays.
    pub async fn try_to_sign_in(&mut self) {
        let body = json!({"email": self.email, "password": PASSWORD}).to_string();
        if let Ok(answer) = self.client.try_send(Method::POST, "/auth/login", Some(body)).await
            && let Some(token) = answer.json["accessToken"].as_str()
        {
            self.client = self.client.with_token(token);
        }
    }

    /// Puts a product into the cart, and returns the cart.
    pub async fn put_into_cart(&self, product: i64, quantity: u32) -> Value {
        let body = json!({"productId": product, "quantity": quantity});
        self.client.post("/cart", body).await.expect(200).json
    }

    pub async fn cart(&self) -> Value {
        self.client.get("/cart").await.expect(200).json
    }

    /// Orders the content of the cart, and waits until the order is confirmed or cancelled.
    pub async fn order_cart(&self, terms: &str) -> Value {
        let body = json!({"shippingAddress": address(), "paymentTerms": terms});
        self.place(body).await.expect(201).json
    }

    /// Orders `quantity` units of one product, without the cart.
    pub async fn order(&self, product: i64, quantity: u32) -> Value {
        let items = json!([{"productId": product, "quantity": quantity}]);
        self.place(json!({"shippingAddress": address(), "items": items})).await.expect(201).json
    }

    /// Places an order under a new key, and waits until it is confirmed or cancelled.
    pub async fn place(&self, body: Value) -> TestResponse {
        self.client.with_header("prefer", "wait=10").post_keyed("/orders", &key(), body).await
    }

    /// Pays an order with a card token of the sandbox, under a new key.
    pub async fn pay(&self, order: &Value, token: &str) -> TestResponse {
        let body = json!({"orderId": order["orderId"], "method": {"type": "card", "token": token}});
        self.client.post_keyed("/payments", &key(), body).await
    }

    pub async fn fetch_order(&self, order: &Value) -> Value {
        self.client.get(&format!("/orders/{}", order["orderId"])).await.expect(200).json
    }

    /// Waits until the order has `status`, and returns it.
    pub async fn wait_for_status(&self, order: &Value, status: &str) -> Value {
        eventually(&format!("the order is {status}"), || async { self.fetch_order(order).await["status"] == status })
            .await;
        self.fetch_order(order).await
    }

    /// Waits until every item of the cart is in `state`.
    pub async fn wait_for_cart_state(&self, state: &str) {
        eventually(&format!("the cart's items are {state}"), || async {
            let cart = self.cart().await;
            let items = cart["items"].as_array().unwrap().clone();
            !items.is_empty() && items.iter().all(|item| item["state"] == state)
        })
        .await;
    }
}
