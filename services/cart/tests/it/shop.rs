//! A cart service on a store of its own, with a fake product service.

use std::sync::Arc;

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use souk_bus::{Consumer, Outbox, Outcome};
use souk_cart::{
    Cart, CartConfig,
    store::{self, CartStore},
};
use souk_events::{Envelope, Event, OrderFacts, OrderLine, PaymentTerms, ShippingAddress};
use souk_kit::{Service, ServiceParts, auth::Role};
use souk_testkit::{Client, TestResponse, World};
use souk_values::{Clock, Currency, Id, Money, OrderId, ProductId, UserId};

/// Highest id of a product on sale. Product `n` costs `n` euros, and 10 units are in stock.
pub const SOLD: i64 = 150;

pub struct Shop {
    pub world: World,
    pub anyone: Client,
    pub user: UserId,
    pub consumers: Vec<Consumer>,
    pub store: Arc<dyn CartStore>,
    outbox: Arc<dyn Outbox>,
}

impl Shop {
    /// Starts a service whose events stay in the outbox, to be counted there.
    pub async fn open() -> Self {
        let world = World::new().await;
        world.fake_peer("product", quotes()).await;
        let mut service = build(&world).await;
        service.outbox = None;
        let consumers = service.consumers.clone();
        let (store, outbox) = store::open(&world.store_url("cart"), Currency::EUR).await.unwrap();
        let anyone = world.serve(service).await.client;
        let user = world.user();
        Self { world, anyone, user, consumers, store, outbox }
    }

    /// Returns the client of the customer, with a valid token.
    pub fn me(&self) -> Client {
        self.anyone.with_token(self.world.customer(self.user))
    }

    /// Returns the client of a guest, with a valid token.
    pub fn guest(&self, guest: UserId) -> Client {
        self.anyone.with_token(self.world.token(guest, Role::Guest))
    }

    /// Returns the client of the order service.
    pub fn order_service(&self) -> Client {
        self.anyone.with_token(self.world.token("order", Role::Service))
    }

    pub fn admin(&self) -> Client {
        self.anyone.with_token(self.world.admin())
    }

    pub async fn add(&self, product: i64, quantity: i64) -> TestResponse {
        self.me().post("/cart", json!({"productId": product, "quantity": quantity})).await.expect(200)
    }

    pub async fn cart(&self) -> Value {
        self.me().get("/cart").await.expect(200).json
    }

    /// Returns product, state and quantity of the customer's items, sorted.
    pub async fn items(&self) -> Vec<(i64, String, i64)> {
        rows(&self.cart().await)
    }

    /// Returns the active lines, as the order service reads them.
    pub async fn lines(&self) -> Value {
        let path = format!("/internal/carts/{}/lines", self.user);
        self.order_service().get(&path).await.expect(200).json["lines"].clone()
    }

    /// Moves `lines` to `order` by the call of the order service.
    pub async fn ordered(&self, order: OrderId, lines: &Value) {
        let path = format!("/internal/carts/{}/ordered", self.user);
        self.order_service().post(&path, json!({"orderId": order, "lines": lines})).await.expect(204);
    }

    /// Returns an order of `lines` at `version`.
    pub fn order(&self, order_id: OrderId, version: i64, lines: &Value) -> OrderFacts {
        let line = |line: &Value| OrderLine {
            order_item_id: self.world.deps.ids.next(),
            product_id: ProductId::new(line["productId"].as_i64().unwrap()).unwrap(),
            name: "A product".to_owned(),
            quantity: u32::try_from(line["quantity"].as_i64().unwrap()).unwrap(),
            price: Money::new(100, Currency::EUR),
            cart_item_id: line["cartItemId"].as_str().map(ToOwned::to_owned),
        };
        OrderFacts {
            order_id,
            user_id: self.user,
            order_date: self.world.clock.now(),
            total_amount: Money::new(100, Currency::EUR),
            items: lines.as_array().unwrap().iter().map(line).collect(),
            shipping_address: ShippingAddress {
                name: "Ada".to_owned(),
                line1: "1 Street".to_owned(),
                line2: None,
                city: "Town".to_owned(),
                postal_code: Some("1000".to_owned()),
                country: "DE".to_owned(),
                phone: None,
            },
            payment_terms: PaymentTerms::Prepaid,
            pay_by: None,
            version,
        }
    }

    /// Delivers `event` as a new message.
    pub async fn deliver<E: Event>(&self, event: &E) -> Outcome {
        self.handle(self.world.envelope(event)).await
    }

    /// Delivers `envelope`, which may have been delivered before.
    pub async fn handle(&self, envelope: Envelope) -> Outcome {
        handle(&self.consumers, envelope).await
    }

    /// Returns the events of type `E` published so far.
    pub async fn published<E: Event>(&self) -> Vec<E> {
        let envelopes = self.outbox.unpublished(10_000).await.unwrap();
        envelopes.iter().filter_map(|envelope| envelope.open().ok()).collect()
    }
}

/// Delivers `envelope` to the consumer of the queue that its type is routed to.
pub async fn handle(consumers: &[Consumer], envelope: Envelope) -> Outcome {
    let is_orders = envelope.event_type.starts_with("order.");
    let queue = if is_orders { "cart.orders" } else { "cart.products" };
    let consumer = consumers.iter().find(|consumer| consumer.queue() == queue).unwrap();
    consumer.handle(envelope).await.unwrap()
}

pub async fn build(world: &World) -> ServiceParts {
    let config = CartConfig { store_url: world.store_url("cart"), ..CartConfig::default() };
    Cart::build(config, &world.deps).await.unwrap()
}

/// Returns product, state and quantity of the items of a response, sorted.
pub fn rows(cart: &Value) -> Vec<(i64, String, i64)> {
    let row = |item: &Value| {
        let state = item["state"].as_str().unwrap().to_owned();
        (item["productId"].as_i64().unwrap(), state, item["quantity"].as_i64().unwrap())
    };
    let mut rows: Vec<_> = cart["items"].as_array().unwrap().iter().map(row).collect();
    rows.sort();
    rows
}

pub fn row(product: i64, state: &str, quantity: i64) -> (i64, String, i64) {
    (product, state.to_owned(), quantity)
}

/// A fake product service that sells the products up to [`SOLD`].
pub fn quotes() -> Router {
    Router::new().route("/internal/products/quote", post(quote))
}

async fn quote(Json(request): Json<Value>) -> Json<Value> {
    let items = request["items"].as_array().unwrap().iter().map(|item| item["productId"].as_i64().unwrap());
    let quoted = items.filter(|product| *product <= SOLD).map(|product| {
        json!({"productId": product, "name": format!("Product {product}"), "stock": 10, "revision": 1,
            "slug": format!("product-{product}"), "price": {"amount": product * 100, "currency": "EUR"}})
    });
    Json(json!({"items": quoted.collect::<Vec<_>>()}))
}
