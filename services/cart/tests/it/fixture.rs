//! The store of a test: in a file, in the shared Redis, or in a Redis server of its own.

use std::{sync::Arc, time::Duration};

use souk_bus::{Cause, Outbox, Stamper};
use souk_cart::{
    cart::{Cart, CartCommand, Lifetimes, NewItem, OrderStage, OrderUpdate, OrderedLine},
    product::SeenProduct,
    store::{self, CartStore, CommandContext, Executed, StoreError},
};
use souk_events::Event;
use souk_testkit::{RedisServer, engine::Stores};
use souk_values::{Clock, Currency, Id, IdGen, Money, OrderId, ProductId, ShiftedClock, Timestamp, UserId};
use tempfile::TempDir;

pub const HOUR: Duration = Duration::from_secs(3_600);
pub const LIFETIMES: Lifetimes = Lifetimes {
    active: Duration::from_secs(24 * 3_600),
    ordered: Duration::from_secs(168 * 3_600),
    remind_before: Duration::from_secs(2 * 3_600),
};

/// An empty store with everything that commands need.
pub struct Fixture {
    pub url: String,
    pub clock: Arc<ShiftedClock>,
    pub ids: IdGen,
    pub server: Option<RedisServer>,
    _stores: Option<Stores>,
    _folder: Option<TempDir>,
}

impl Fixture {
    fn new(url: String) -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        Self { url, clock, ids, server: None, _stores: None, _folder: None }
    }

    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self::new(format!("sqlite:{}/contract.db", folder.path().display()));
        Self { _folder: Some(folder), ..fixture }
    }

    /// A store in the shared Redis, under a prefix of its own.
    pub fn redis() -> Self {
        let stores = Stores::new();
        let fixture = Self::new(stores.url("cart"));
        Self { _stores: Some(stores), ..fixture }
    }

    /// A store in a Redis server of its own.
    pub async fn own_redis() -> Self {
        Self::on_server(RedisServer::start().await)
    }

    /// A store in a Redis server of its own that enforces a cluster's rules.
    pub async fn redis_with_cluster_rules() -> Self {
        Self::on_server(RedisServer::start_with_cluster_rules().await)
    }

    fn on_server(server: RedisServer) -> Self {
        let fixture = Self::new(server.url("t:"));
        Self { server: Some(server), ..fixture }
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

    /// Opens `count` stores on the same data, one for each replica.
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

    pub fn context(&self, now: Timestamp) -> CommandContext {
        CommandContext { now, lifetimes: LIFETIMES, stamper: self.stamper(), cause: None }
    }

    pub fn cause(&self) -> Cause {
        Cause { queue: "cart.orders", event_id: self.ids.uuid() }
    }

    pub fn add(&self, product: i64, quantity: u32) -> CartCommand {
        let cart_item_id = self.ids.uuid().to_string();
        let name = format!("Product {product}");
        let item = NewItem { cart_item_id, product_id: self::product(product), name, price: euros(100), quantity };
        CartCommand::Add { item, key: None }
    }

    /// Returns the command that follows an order of all items in `cart` to `stage`.
    pub fn follow(&self, cart: &Cart, order_id: OrderId, stage: OrderStage) -> CartCommand {
        let line = |item: &souk_cart::cart::Item| OrderedLine {
            cart_item_id: item.cart_item_id.clone(),
            product_id: item.product_id,
            quantity: item.quantity,
            remainder_id: self.ids.uuid().to_string(),
        };
        let version = match stage {
            OrderStage::Placed => 1,
            OrderStage::Paid => 3,
            OrderStage::Cancelled => 4,
        };
        CartCommand::FollowOrder(OrderUpdate {
            order_id,
            version,
            stage,
            lines: cart.contents().items().iter().map(line).collect(),
        })
    }

    /// Executes `command` at the current time.
    pub async fn execute(
        &self,
        store: &Arc<dyn CartStore>,
        user: UserId,
        command: CartCommand,
    ) -> Result<Executed, StoreError> {
        store.execute(user, command, self.context(self.now())).await
    }

    /// Returns a new user with one unit of product 1 in the cart.
    pub async fn shopper(&self, store: &Arc<dyn CartStore>) -> UserId {
        let user = self.user();
        self.execute(store, user, self.add(1, 1)).await.unwrap();
        user
    }

    /// Returns the unpublished events of type `E`.
    pub async fn unpublished<E: Event>(&self) -> Vec<E> {
        let envelopes = souk_cart::audit::unpublished(&self.url, 10_000).await.unwrap();
        envelopes.iter().filter_map(|envelope| envelope.open().ok()).collect()
    }
}

pub fn product(number: i64) -> ProductId {
    ProductId::new(number).unwrap()
}

/// Returns product and quantity of the active items, sorted.
pub fn quantities(cart: &Cart) -> Vec<(i64, u32)> {
    let mut all: Vec<_> = cart.active_items().map(|item| (item.product_id.get(), item.quantity)).collect();
    all.sort_unstable();
    all
}

pub fn euros(cents: i64) -> Money {
    Money::new(cents, Currency::EUR)
}

/// A product at `revision`.
pub fn seen(revision: i64) -> SeenProduct {
    SeenProduct { revision, price: euros(700) }
}
