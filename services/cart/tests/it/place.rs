//! Where a store under test is: a file, the Redis of the tests, or a Redis of the test's own.

use std::{sync::Arc, time::Duration};

use souk_bus::{Outbox, Stamper};
use souk_cart::{
    cart::{Act, Cart, NewItem, OrderStep, OrderedLine, Stage, Terms},
    store::{self, CartStore, Cause, Done, Occasion, StoreError},
};
use souk_events::Event;
use souk_testkit::engine::Stores;
use souk_values::{Clock, Currency, Id, IdGen, OrderId, ProductId, ShiftedClock, Timestamp, UserId};
use tempfile::TempDir;

use crate::redis_server::RedisServer;

pub const HOUR: Duration = Duration::from_secs(3_600);
pub const TERMS: Terms = Terms {
    active: Duration::from_secs(24 * 3_600),
    ordered: Duration::from_secs(168 * 3_600),
    remind_before: Duration::from_secs(2 * 3_600),
};

/// A store of the test's own, empty at first.
pub struct Place {
    pub url: String,
    pub clock: Arc<ShiftedClock>,
    pub ids: IdGen,
    pub server: Option<RedisServer>,
    _stores: Option<Stores>,
    _folder: Option<TempDir>,
}

impl Place {
    fn at(url: String) -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        Self { url, clock, ids, server: None, _stores: None, _folder: None }
    }

    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self::at(format!("sqlite:{}/contract.db", folder.path().display()));
        Self { _folder: Some(folder), ..place }
    }

    /// In the Redis that the tests are given.
    pub fn redis() -> Self {
        let stores = Stores::new();
        let place = Self::at(stores.url("cart"));
        Self { _stores: Some(stores), ..place }
    }

    /// In a Redis of its own.
    pub async fn own_redis() -> Self {
        Self::on(RedisServer::start().await)
    }

    /// In a Redis of its own that holds to a cluster's rules.
    pub async fn redis_with_cluster_rules() -> Self {
        Self::on(RedisServer::start_with_cluster_rules().await)
    }

    fn on(server: RedisServer) -> Self {
        let place = Self::at(server.url("t:"));
        Self { server: Some(server), ..place }
    }

    pub fn user(&self) -> UserId {
        self.ids.next()
    }

    pub fn stamper(&self) -> Stamper {
        Stamper::new(self.ids.clone(), self.clock.clone())
    }

    pub async fn open(&self) -> (Arc<dyn CartStore>, Arc<dyn Outbox>) {
        store::open(&self.url, Currency::EUR).await.unwrap()
    }

    /// `count` stores on the same data, as replicas have them.
    pub async fn replicas(&self, count: usize) -> Vec<Arc<dyn CartStore>> {
        let mut stores = Vec::new();
        for _ in 0..count {
            stores.push(self.open().await.0);
        }
        stores
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn occasion(&self, now: Timestamp) -> Occasion {
        Occasion { now, terms: TERMS, stamper: self.stamper(), cause: None }
    }

    pub fn cause(&self) -> Cause {
        Cause { queue: "cart.orders", event_id: self.ids.uuid() }
    }

    pub fn add(&self, product: i64, quantity: u32) -> Act {
        let (cart_item_id, name) = (self.ids.uuid().to_string(), format!("Product {product}"));
        let item = NewItem { cart_item_id, product_id: self::product(product), name, quantity };
        Act::Add { item, key: None }
    }

    /// The order that takes all that is active in `cart`, at `stage`.
    pub fn follow(&self, cart: &Cart, order_id: OrderId, stage: Stage) -> Act {
        let line = |item: &souk_cart::cart::Item| OrderedLine {
            cart_item_id: item.cart_item_id.clone(),
            product_id: item.product_id,
            quantity: item.quantity,
            spare_id: self.ids.uuid().to_string(),
        };
        let version = match stage {
            Stage::Placed => 1,
            Stage::Paid => 3,
            Stage::Cancelled => 4,
        };
        Act::Follow(OrderStep { order_id, version, stage, lines: cart.contents().items().iter().map(line).collect() })
    }

    /// Does `act` now.
    pub async fn act(&self, store: &Arc<dyn CartStore>, user: UserId, act: Act) -> Result<Done, StoreError> {
        store.act(user, act, self.occasion(self.now())).await
    }

    /// A user with one unit of product 1.
    pub async fn shopper(&self, store: &Arc<dyn CartStore>) -> UserId {
        let user = self.user();
        self.act(store, user, self.add(1, 1)).await.unwrap();
        user
    }

    /// The events of type `E` that wait.
    pub async fn waiting<E: Event>(&self) -> Vec<E> {
        let envelopes = souk_cart::audit::unpublished(&self.url).await.unwrap();
        envelopes.iter().filter_map(|envelope| envelope.open().ok()).collect()
    }
}

pub fn product(number: i64) -> ProductId {
    ProductId::new(number).unwrap()
}

/// How many units of each product are active, by product.
pub fn quantities(cart: &Cart) -> Vec<(i64, u32)> {
    let mut all: Vec<_> = cart.active().map(|item| (item.product_id.get(), item.quantity)).collect();
    all.sort_unstable();
    all
}
