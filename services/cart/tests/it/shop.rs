//! A cart service on a store of its own, with a product service that answers quotes.

use std::sync::Arc;

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use souk_bus::{Consumer, Outbox, Outcome};
use souk_cart::{
    CartConfig,
    store::{self, CartStore},
};
use souk_events::{Envelope, Event, OrderFacts, OrderLine, PaymentTerms, ShippingAddress};
use souk_kit::{Service, auth::Role};
use souk_testkit::{Answer, Client, World};
use souk_values::{Clock, Currency, Id, Money, OrderId, ProductId, UserId};

/// Products up to this id are sold: number `n` costs `n` euros, 10 are there.
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
    /// A shop whose events stay in the outbox, to be counted there.
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

    /// The customer, with a token that is good now.
    pub fn me(&self) -> Client {
        self.anyone.with_token(self.world.customer(self.user))
    }

    /// A guest, with a token that is good now.
    pub fn guest(&self, guest: UserId) -> Client {
        self.anyone.with_token(self.world.token(guest, Role::Guest))
    }

    /// The order service.
    pub fn order_service(&self) -> Client {
        self.anyone.with_token(self.world.token("order", Role::Service))
    }

    pub async fn add(&self, product: i64, quantity: i64) -> Answer {
        self.me().post("/cart", json!({"productId": product, "quantity": quantity})).await.expect(200)
    }

    pub async fn cart(&self) -> Value {
        self.me().get("/cart").await.expect(200).json
    }

    /// (product, state, quantity) of the items, sorted.
    pub async fn items(&self) -> Vec<(i64, String, i64)> {
        rows(&self.cart().await)
    }

    /// The active lines, as order reads them.
    pub async fn lines(&self) -> Value {
        let path = format!("/internal/carts/{}/lines", self.user);
        self.order_service().get(&path).await.expect(200).json["lines"].clone()
    }

    /// Tells cart by the call that `lines` are `order`'s.
    pub async fn ordered(&self, order: OrderId, lines: &Value) {
        let path = format!("/internal/carts/{}/ordered", self.user);
        self.order_service().post(&path, json!({"orderId": order, "lines": lines})).await.expect(204);
    }

    /// The order that took `lines`, at `version`.
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
                postal_code: "1000".to_owned(),
                country: "DE".to_owned(),
                phone: None,
            },
            payment_terms: PaymentTerms::Prepaid,
            pay_by: None,
            version,
        }
    }

    /// Delivers `event`, as a new message.
    pub async fn deliver<E: Event>(&self, event: &E) -> Outcome {
        self.handle(self.world.envelope(event)).await
    }

    /// Delivers `envelope`, maybe again.
    pub async fn handle(&self, envelope: Envelope) -> Outcome {
        handle(&self.consumers, envelope).await
    }

    /// The events of type `E` told so far.
    pub async fn told<E: Event>(&self) -> Vec<E> {
        let envelopes = self.outbox.unpublished(10_000).await.unwrap();
        envelopes.iter().filter_map(|envelope| envelope.open().ok()).collect()
    }
}

/// Hands `envelope` to the consumer whose queue its type is routed to.
pub async fn handle(consumers: &[Consumer], envelope: Envelope) -> Outcome {
    let is_orders = envelope.event_type.starts_with("order.");
    let queue = if is_orders { "cart.orders" } else { "cart.products" };
    let consumer = consumers.iter().find(|consumer| consumer.queue() == queue).unwrap();
    consumer.handle(envelope).await.unwrap()
}

pub async fn build(world: &World) -> Service {
    let config = CartConfig { store_url: world.store_url("cart"), ..CartConfig::default() };
    souk_cart::build(config, &world.deps).await.unwrap()
}

/// (product, state, quantity) of a shown cart, sorted.
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

/// A product service that sells everything up to [`SOLD`].
pub fn quotes() -> Router {
    Router::new().route("/internal/products/quote", post(quote))
}

async fn quote(Json(asked): Json<Value>) -> Json<Value> {
    let items = asked["items"].as_array().unwrap().iter().map(|item| item["productId"].as_i64().unwrap());
    let quoted = items.filter(|product| *product <= SOLD).map(|product| {
        json!({"productId": product, "name": format!("Product {product}"), "stock": 10, "revision": 1,
            "price": {"amount": product * 100, "currency": "EUR"}})
    });
    Json(json!({"items": quoted.collect::<Vec<_>>()}))
}
