//! One order service among fake product, cart and payment services that return what a test sets.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use souk_bus::Consumer;
use souk_events::{
    Event, PaymentFailed, PaymentRefundFailed, PaymentRefunded, PaymentSucceeded, Queue, RefusedLine, StockRejected,
    StockReserved,
};
use souk_kit::Service;
use souk_order::{Order, OrderConfig};
use souk_peers::{
    cart::{ActiveLine, OrderedRequest},
    payment::PaymentState,
    product::{Quote, QuoteRequest, QuotedItem},
};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{Client, Started, TestResponse, World, eventually};
use souk_values::{Clock, Currency, Id, Money, OrderId, PaymentId, ProductId, RefundId, Timestamp, UserId};

/// Responses of the fake services, and the requests they received.
#[derive(Debug, Default)]
pub struct Shop {
    pub prices: Mutex<BTreeMap<i64, i64>>,
    pub cart: Mutex<Vec<ActiveLine>>,
    pub cart_notices: Mutex<Vec<OrderedRequest>>,
    pub quotes: AtomicUsize,
    /// State that payment returns; `None` makes it fail.
    pub payment: Mutex<Option<PaymentState>>,
    pub payment_queries: AtomicUsize,
    pub product_is_down: AtomicBool,
    pub cart_is_down: AtomicBool,
    /// True if a notification leaves the cart's lines: the cart has not learned of the order yet.
    pub cart_keeps_lines: AtomicBool,
}

pub struct Rig {
    pub world: World,
    pub shop: Arc<Shop>,
    pub started: Started,
    /// The consumers that run, for delivering envelopes in any order.
    pub consumers: Vec<Consumer>,
    pub user: UserId,
    /// Client with a token of `user`.
    pub client: Client,
    pub admin: Client,
}

pub const NOTHING_PAID: PaymentState =
    PaymentState { captured: None, processing: false, refunded: None, full_refund: None };

async fn quote(State(shop): State<Arc<Shop>>, Json(request): Json<QuoteRequest>) -> Result<Json<Quote>, StatusCode> {
    if shop.product_is_down.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    shop.quotes.fetch_add(1, Ordering::SeqCst);
    let prices = shop.prices.lock().unwrap();
    let items = request.items.iter().filter_map(|item| {
        let price = *prices.get(&item.product_id.get())?;
        Some(QuotedItem {
            product_id: item.product_id,
            name: format!("Product {}", item.product_id),
            price: Money::new(price, Currency::EUR),
            stock: 10,
            revision: 1,
            slug: None,
            image_url: None,
        })
    });
    Ok(Json(Quote { items: items.collect() }))
}

async fn lines(State(shop): State<Arc<Shop>>) -> Result<Json<Value>, StatusCode> {
    if shop.cart_is_down.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(Json(json!({"lines": *shop.cart.lock().unwrap()})))
}

async fn ordered(State(shop): State<Arc<Shop>>, Path(_): Path<i64>, Json(request): Json<OrderedRequest>) {
    if !shop.cart_keeps_lines.load(Ordering::SeqCst) {
        shop.cart.lock().unwrap().clear();
    }
    shop.cart_notices.lock().unwrap().push(request);
}

async fn payment_state(State(shop): State<Arc<Shop>>) -> Result<Json<PaymentState>, StatusCode> {
    shop.payment_queries.fetch_add(1, Ordering::SeqCst);
    shop.payment.lock().unwrap().clone().map(Json).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Rig {
    pub async fn new() -> Self {
        Self::within(World::new().await).await
    }

    pub async fn within(world: World) -> Self {
        let shop = Arc::new(Shop::default());
        *shop.prices.lock().unwrap() = BTreeMap::from([(1001, 1_999), (1002, 500), (1003, i64::MAX / 2)]);
        *shop.payment.lock().unwrap() = Some(NOTHING_PAID);
        let products = Router::new().route("/internal/products/quote", post(quote)).with_state(shop.clone());
        world.fake_peer("product", products).await;
        let cart = Router::new()
            .route("/internal/carts/{userId}/lines", get(lines))
            .route("/internal/carts/{userId}/ordered", post(ordered))
            .with_state(shop.clone());
        world.fake_peer("cart", cart).await;
        let payments = Router::new().route("/internal/payments/state", get(payment_state)).with_state(shop.clone());
        world.fake_peer("payment", payments).await;
        let config = OrderConfig { store_url: world.store_url("order"), ..OrderConfig::default() };
        let service = Order::build(config, &world.deps).await.unwrap();
        let consumers = service.consumers.clone();
        let started = world.serve(service).await;
        let user = world.user();
        let client = started.client.with_token(world.customer(user));
        let admin = started.client.with_token(world.admin());
        Self { world, shop, started, consumers, user, client, admin }
    }

    /// Stops the service, runs `meanwhile`, and starts the service on the same store.
    pub async fn restarted(self, meanwhile: impl AsyncFnOnce(&World)) -> Self {
        let Self { world, shop, started, user, .. } = self;
        assert!(started.running.stop().await, "it stops in time");
        meanwhile(&world).await;
        let config = OrderConfig { store_url: world.store_url("order"), ..OrderConfig::default() };
        let service = Order::build(config, &world.deps).await.unwrap();
        let consumers = service.consumers.clone();
        let started = world.serve(service).await;
        let client = started.client.with_token(world.customer(user));
        let admin = started.client.with_token(world.admin());
        Self { world, shop, started, consumers, user, client, admin }
    }

    /// Replaces the tokens, which expire when the clock is moved.
    pub fn sign_in_again(&mut self) {
        self.client = self.started.client.with_token(self.world.customer(self.user));
        self.admin = self.started.client.with_token(self.world.admin());
    }

    /// Moves the clock to `time`, which lies in the future.
    pub fn travel(&mut self, time: &str) {
        let now = self.world.clock.now();
        let time: Timestamp = time.parse().unwrap();
        assert!(time > now, "the clock does not go back");
        self.world.clock.advance(time.since(now));
        self.sign_in_again();
    }

    pub fn advance(&mut self, seconds: u64) {
        self.world.clock.advance(Duration::from_secs(seconds));
        self.sign_in_again();
    }

    /// Places an order of the user, which stays `created`.
    pub async fn placed(&self, terms: &str) -> OrderId {
        let key = self.world.deps.ids.uuid().to_string();
        let answer = self.client.post_keyed("/orders", &key, order_body(terms)).await.expect(201);
        OrderId::new(answer.json["orderId"].as_i64().unwrap()).unwrap()
    }

    pub async fn confirmed(&self, terms: &str) -> OrderId {
        let order = self.placed(terms).await;
        self.world.publish(&reserved(order)).await;
        self.until(order, "confirmed").await;
        order
    }

    pub async fn paid(&self, terms: &str) -> OrderId {
        let order = self.confirmed(terms).await;
        self.world.publish(&self.succeeded(order, 1)).await;
        self.until_step(order, "paid").await;
        order
    }

    pub async fn shipped(&self, terms: &str) -> OrderId {
        let order = if terms == "prepaid" { self.paid(terms).await } else { self.confirmed(terms).await };
        self.admin.post(&format!("/orders/{order}/ship"), shipment()).await.expect(200);
        order
    }

    pub async fn order(&self, order: OrderId) -> Value {
        self.client.get(&format!("/orders/{order}")).await.expect(200).json
    }

    pub async fn steps(&self, order: OrderId) -> Vec<String> {
        let timeline = self.client.get(&format!("/orders/{order}/timeline")).await.expect(200).json;
        let steps = timeline["items"].as_array().unwrap().iter();
        steps.map(|step| step["step"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn until(&self, order: OrderId, status: &str) -> Value {
        eventually(status, || async { self.order(order).await["status"] == status }).await;
        self.order(order).await
    }

    pub async fn until_step(&self, order: OrderId, step: &str) {
        eventually(step, || async { self.steps(order).await.iter().any(|one| one == step) }).await;
    }

    pub async fn act(&self, who: &Client, order: OrderId, act: &str) -> TestResponse {
        let body = if act == "ship" { shipment() } else { json!({}) };
        who.post(&format!("/orders/{order}/{act}"), body).await
    }

    /// Waits for `at_least` events of type `E` in `queue` and returns them all.
    pub async fn published<E: Event>(&self, queue: &'static Queue, at_least: usize) -> Vec<E> {
        eventually("the event is published", || async { self.world.waiting::<E>(queue).await.len() >= at_least }).await;
        self.world.waiting(queue).await
    }

    pub fn succeeded(&self, order_id: OrderId, payment: i64) -> PaymentSucceeded {
        PaymentSucceeded {
            payment_id: PaymentId::new(payment).unwrap(),
            order_id,
            user_id: self.user,
            amount: euro(4_498),
            captured_at: self.world.clock.now(),
            version: 2,
        }
    }

    pub fn failed(&self, order_id: OrderId, payment: i64) -> PaymentFailed {
        PaymentFailed {
            payment_id: PaymentId::new(payment).unwrap(),
            order_id,
            user_id: self.user,
            amount: euro(4_498),
            failure_code: "card_declined".into(),
            version: 2,
        }
    }

    /// Returns the failure of a full refund that had succeeded.
    pub fn refund_failed(&self, order_id: OrderId, payment: i64, refund: i64) -> PaymentRefundFailed {
        PaymentRefundFailed {
            payment_id: PaymentId::new(payment).unwrap(),
            refund_id: RefundId::new(refund).unwrap(),
            order_id,
            user_id: self.user,
            amount: euro(4_498),
            refunded_amount: euro(0),
            had_succeeded: true,
            failed_at: self.world.clock.now(),
            version: 4,
        }
    }

    pub fn refunded(&self, order_id: OrderId, payment: i64, refund: i64, in_full: bool) -> PaymentRefunded {
        let amount = euro(if in_full { 4_498 } else { 100 });
        PaymentRefunded {
            payment_id: PaymentId::new(payment).unwrap(),
            refund_id: RefundId::new(refund).unwrap(),
            order_id,
            user_id: self.user,
            amount,
            refunded_amount: amount,
            in_full,
            refunded_at: self.world.clock.now(),
            version: 3,
        }
    }
}

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub fn reserved(order_id: OrderId) -> StockReserved {
    StockReserved { order_id, order_version: 1 }
}

pub fn rejected(order_id: OrderId) -> StockRejected {
    let line = RefusedLine { product_id: ProductId::new(1001).unwrap(), requested: 2, available: 1 };
    StockRejected { order_id, order_version: 1, refused_lines: vec![line] }
}

pub fn shipment() -> Value {
    json!({"carrier": "DHL", "trackingNumber": "0034"})
}

pub fn address() -> Value {
    json!({"name": "Ada Lovelace", "line1": "1 Long Street", "city": "Berlin", "postalCode": "10115", "country": "DE"})
}

/// Body of an order of 44.98 EUR: two shirts and a cup.
pub fn order_body(terms: &str) -> Value {
    json!({
        "shippingAddress": address(), "paymentTerms": terms,
        "items": [{"productId": 1001, "quantity": 2}, {"productId": 1002, "quantity": 1}]
    })
}

pub fn cart_line(item: &str, product: i64, quantity: u32) -> ActiveLine {
    ActiveLine { cart_item_id: item.into(), product_id: ProductId::new(product).unwrap(), quantity }
}

/// Executes `statements` on the stopped service's store, each in a transaction.
pub async fn execute(world: &World, statements: &[&'static str]) {
    let db = Db::open(&world.store_url("order"), Access::ReadWrite).await.unwrap();
    for sql in statements {
        db.write(*sql, |tx, sql| {
            Box::pin(async move {
                let statement = Statement::from_string(tx.get_database_backend(), *sql);
                tx.execute_raw(statement).await.map(|_| ()).map_err(SqlError::from)
            })
        })
        .await
        .unwrap();
    }
}
