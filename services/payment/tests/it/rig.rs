//! A payment service in its own world, with a fake order service.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use souk_events::{
    CancelReason, Envelope, Event, OrderCancelled, OrderConfirmed, OrderCreated, OrderFacts, PaymentTerms, Queue,
    ShippingAddress,
};
use souk_kit::Service;
use souk_payment::{Payment, PaymentConfig, audit, audit::PaymentAuditFacts, provider::sandbox::EntryKind};
use souk_peers::order::OrderSnapshot;
use souk_testkit::{Client, Started, TestResponse, World, eventually};
use souk_values::{Clock, Currency, Money, OrderId, Secret, UserId};

pub const SECRET: &str = "webhook secret";
pub const PRICE: i64 = 1_999;
/// Time after which an open payment or refund is settled. It passes on the test's clock; the set-up of a test takes less.
pub const SETTLE: Duration = Duration::from_secs(121);

/// Orders of the fake order service; it responds 500 for one that is `None`.
type Orders = Arc<Mutex<HashMap<String, Option<OrderSnapshot>>>>;

pub struct Rig {
    pub world: World,
    pub service: Started,
    pub user: UserId,
    /// Configuration of the service.
    config: PaymentConfig,
    orders: Orders,
}

pub fn config(world: &World) -> PaymentConfig {
    PaymentConfig {
        store_url: world.store_url("payment"),
        sandbox_ledger_url: world.store_url("sandbox"),
        sandbox_webhook_secret: Secret::new(SECRET.to_owned()),
        settle_every_ms: 100,
        settle_after_ms: 120_000,
        ..PaymentConfig::default()
    }
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts a service with a changed configuration.
    pub async fn with(change: impl FnOnce(&mut PaymentConfig)) -> Self {
        Self::within(World::new().await, change).await
    }

    pub async fn within(world: World, change: impl FnOnce(&mut PaymentConfig)) -> Self {
        let orders = Orders::default();
        world.fake_peer("order", order_service(orders.clone())).await;
        let mut config = config(&world);
        change(&mut config);
        let service = start(&world, config.clone()).await;
        let user = world.user();
        Self { world, service, user, config, orders }
    }

    /// Stops the service and starts another on the same stores.
    pub async fn restart(self) -> Self {
        Box::pin(self.restart_with(|_| {})).await
    }

    /// Stops the service and starts another on the same stores with a changed configuration.
    pub async fn restart_with(self, change: impl FnOnce(&mut PaymentConfig)) -> Self {
        let Self { world, service, user, orders, .. } = self;
        assert!(service.running.stop().await);
        let mut config = config(&world);
        change(&mut config);
        let service = start(&world, config.clone()).await;
        Self { world, service, user, config, orders }
    }

    pub fn client(&self) -> Client {
        self.service.client.with_token(self.world.customer(self.user))
    }

    pub fn admin(&self) -> Client {
        self.service.client.with_token(self.world.admin())
    }

    /// Adds a confirmed order of the user to the order service only.
    pub fn confirmed(&self) -> OrderFacts {
        let order = facts(&self.world, self.user, 2);
        self.set_order(&order, true, None);
        order
    }

    pub fn set_order(&self, order: &OrderFacts, is_confirmed: bool, cancel_reason: Option<CancelReason>) {
        let now = OrderSnapshot { order: order.clone(), is_confirmed, is_paid: false, cancel_reason };
        self.orders.lock().unwrap().insert(order.order_id.to_string(), Some(now));
    }

    pub fn fail_order(&self, order: OrderId) {
        self.orders.lock().unwrap().insert(order.to_string(), None);
    }

    pub async fn pay(&self, order: OrderId, key: &str, token: &str) -> TestResponse {
        self.client().post_keyed("/payments", key, card(order, token)).await
    }

    /// Gets the payment `id` as an admin.
    pub async fn payment(&self, id: &Value) -> Value {
        self.admin().get(&format!("/payments/{id}")).await.expect(200).json
    }

    pub async fn refund(&self, payment: &Value, key: &str, amount: Option<i64>) -> TestResponse {
        let body = amount.map_or(json!({}), |minor| json!({"amount": {"amount": minor, "currency": "EUR"}}));
        self.admin().post_keyed(&format!("/payments/{payment}/refund"), key, body).await
    }

    pub async fn facts(&self) -> PaymentAuditFacts {
        Box::pin(audit::read(&self.config.store_url, self.config.sandbox_ledger())).await.unwrap()
    }

    /// Returns the events of type `E` in `queue`, once the outbox is empty.
    pub async fn published<E: Event>(&self, queue: &'static Queue) -> Vec<E> {
        eventually("every event is published", || async {
            self.world.take_waiting().await;
            self.facts().await.outbox_pending == 0
        })
        .await;
        self.world.waiting(queue).await
    }

    /// Counts the captures and the refunds in the ledger.
    pub async fn movements(&self) -> (usize, usize) {
        let ledger = self.facts().await.ledger;
        let captures = ledger.iter().filter(|entry| entry.kind == EntryKind::Capture).count();
        (captures, ledger.len() - captures)
    }

    pub async fn state(&self, order: OrderId) -> Value {
        let peer = self.world.token("order", souk_kit::auth::Role::Service);
        let path = format!("/internal/payments/state?orderId={order}");
        self.service.client.with_token(peer).get(&path).await.expect(200).json
    }
}

pub async fn start(world: &World, config: PaymentConfig) -> Started {
    world.serve(Payment::build(config, &world.deps).await.unwrap()).await
}

pub fn card(order: OrderId, token: &str) -> Value {
    json!({"orderId": order, "method": {"type": "card", "token": token}})
}

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// Returns an order of `user` at `version`, payable for 30 minutes once confirmed.
pub fn facts(world: &World, user: UserId, version: i64) -> OrderFacts {
    let now = world.clock.now();
    OrderFacts {
        order_id: world.deps.ids.next(),
        user_id: user,
        order_date: now,
        total_amount: euro(PRICE),
        items: Vec::new(),
        shipping_address: ShippingAddress {
            name: "Ada".into(),
            line1: "Street 1".into(),
            line2: None,
            city: "Town".into(),
            postal_code: Some("12345".into()),
            country: "DE".into(),
            phone: None,
        },
        payment_terms: PaymentTerms::Prepaid,
        pay_by: (version > 1).then(|| now.plus(Duration::from_mins(30))),
        version,
    }
}

pub fn at(order: &OrderFacts, version: i64) -> OrderFacts {
    OrderFacts { version, ..order.clone() }
}

pub fn created(world: &World, order: &OrderFacts) -> Envelope {
    world.envelope(&OrderCreated { order: OrderFacts { pay_by: None, ..at(order, 1) } })
}

pub fn confirmed(world: &World, order: &OrderFacts) -> Envelope {
    world.envelope(&OrderConfirmed { order: at(order, 2) })
}

pub fn cancelled(world: &World, order: &OrderFacts, version: i64) -> Envelope {
    world.envelope(&cancelled_event(order, version))
}

pub fn cancelled_event(order: &OrderFacts, version: i64) -> OrderCancelled {
    OrderCancelled { order: at(order, version), reason: CancelReason::Customer, refused_lines: Vec::new() }
}

fn order_service(orders: Orders) -> Router {
    async fn show(State(orders): State<Orders>, Path(id): Path<String>) -> Response {
        match orders.lock().unwrap().get(&id) {
            Some(Some(order)) => Json(order).into_response(),
            Some(None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            None => {
                let code = "order.not_found";
                souk_kit::Problem::new(StatusCode::NOT_FOUND, code, "There is no such order.").into_response()
            }
        }
    }
    Router::new().route("/internal/orders/{orderId}", get(show)).with_state(orders)
}
