//! Storage of carts, wishlists and known products, on SQL or Redis. One list of contract tests holds for both.

pub mod redis;
pub mod sql;

mod entities;
pub(crate) mod migrations;

use std::{collections::HashMap, sync::Arc, time::Duration};

use souk_bus::{Cause, Outbox, Stamper};
use souk_events::{Envelope, EventError};
use souk_kit::StartError;
use souk_sql::{ConnectionCounts, Retryable, SqlError};
use souk_values::{Currency, Page, PageRequest, ProductId, Timestamp, UserId};

use crate::{
    cart::{Cart, CartCommand, Effects, Item, Lifetimes, Refusal},
    product::{AlertKind, KnownProduct, ProductUpdate, SeenProduct, Wish},
};

/// Time for which the progress of an order is known after it was placed. A later event of the order finds nothing of it: it could only
/// be an item that is still ordered or purchased, which it changes as it should.
pub(crate) const ORDERS_KNOWN_FOR: Duration = Duration::from_secs(90 * 86_400);

#[derive(Debug, Clone)]
pub struct CommandContext {
    pub now: Timestamp,
    pub lifetimes: Lifetimes,
    /// Stamper of the events that the command publishes.
    pub stamper: Stamper,
    /// Event that the command applies. It is recorded in the inbox, so that a redelivery has no effect.
    pub cause: Option<Cause>,
}

/// The result of an executed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    pub cart: Cart,
    pub effects: Effects,
    /// True when cart or order progress changed; false for a duplicate.
    pub is_applied: bool,
}

/// Carts with items to expire or reminders to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueCarts {
    /// Owners of the carts, longest overdue first.
    pub users: Vec<UserId>,
    /// When `users` is empty, the time at which the next cart is due.
    pub next: Option<Timestamp>,
}

/// An alert to one user who wishes for a product.
#[derive(Debug, Clone)]
pub struct WishAlert {
    pub user_id: UserId,
    pub product_id: ProductId,
    pub kind: AlertKind,
    /// Revision of the product that the alert is due for; an older one is never published after it.
    pub revision: i64,
    pub envelope: Envelope,
}

/// Figures of a working engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineStats {
    pub connections: ConnectionCounts,
    /// Lookups of keys; `None` for an engine that does not count them.
    pub keyspace: Option<KeyspaceStats>,
}

/// Lookups of keys since the engine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// Lookups of a key that existed.
    pub hits: u64,
    /// Lookups of a key that did not exist.
    pub misses: u64,
}

/// A failure of the store, or the refusal of a command.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine is unavailable or busy, or its data is damaged. Redis uses the classes of SQL too.
    #[error(transparent)]
    Engine(#[from] SqlError),
    /// The command is not allowed; nothing was stored.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("an event cannot be serialized: {0}")]
    Event(String),
}

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Engine(error.into())
    }
}

impl From<EventError> for StoreError {
    fn from(error: EventError) -> Self {
        Self::Event(error.to_string())
    }
}

impl Retryable for StoreError {
    fn sql_error(&self) -> Option<&SqlError> {
        if let Self::Engine(error) = self { Some(error) } else { None }
    }
}

/// A store of the service. Each method that writes is one transaction on the data of one user or one product, together
/// with its outbox and inbox rows.
#[async_trait::async_trait]
pub trait CartStore: Carts + Wishlists + KnownProducts + Send + Sync + std::fmt::Debug {
    /// Checks that the engine can be read and written, and returns its figures.
    async fn ping(&self, now: Timestamp) -> Result<EngineStats, StoreError>;

    /// Claims a run of a periodic job: true in one of all replicas within `period`.
    async fn claim_job(&self, job: &'static str, now: Timestamp, period: Duration) -> Result<bool, StoreError>;

    /// Deletes the inbox entries that are expired at `now`, and returns their number.
    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Deletes the progress of orders that were placed more than [`ORDERS_KNOWN_FOR`] before `now`, and returns their number.
    async fn purge_orders(&self, now: Timestamp) -> Result<u64, StoreError>;
}

#[async_trait::async_trait]
pub trait Carts {
    /// Returns the cart of `user`, which may contain expired items; an empty one if none is stored.
    async fn cart(&self, user: UserId) -> Result<Cart, StoreError>;

    /// Executes `command` on the cart of `user`, as [`Cart::apply`] decides. Errors: refused, see [`Refusal`].
    async fn execute(
        &self,
        user: UserId,
        command: CartCommand,
        context: CommandContext,
    ) -> Result<Executed, StoreError>;

    /// Returns the requested page of the products that `user` bought, the latest first.
    async fn purchases(&self, user: UserId, request: PageRequest) -> Result<Page<Item>, StoreError>;

    /// Returns the latest products that `user` bought, at most `limit`.
    async fn latest_purchases(&self, user: UserId, limit: u64) -> Result<Vec<Item>, StoreError>;

    async fn due_carts(&self, now: Timestamp, limit: u64) -> Result<DueCarts, StoreError>;

    async fn count_active_carts(&self) -> Result<u64, StoreError>;
}

/// Wishlists, with the revision up to which each wish was alerted.
#[async_trait::async_trait]
pub trait Wishlists {
    /// Returns the wishes of `user`, newest first.
    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError>;

    /// Adds a wish, unless it exists. Alerts are due for revisions of the product above that of `seen`.
    ///
    /// Errors: [`Refusal::TooManyWishes`].
    async fn add_wish(
        &self,
        user: UserId,
        product: ProductId,
        seen: SeenProduct,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes a wish. Errors: [`Refusal::NotWished`].
    async fn remove_wish(&self, user: UserId, product: ProductId) -> Result<(), StoreError>;

    /// Returns up to `limit` users who wish for a product and were not alerted of `revision` yet, in the order of their
    /// ids, beginning behind `after`.
    async fn users_to_alert(
        &self,
        product: ProductId,
        kind: AlertKind,
        revision: i64,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Publishes `alert`. Returns false, having done nothing, when it was published before or the wish was removed.
    async fn publish_alert(&self, alert: WishAlert) -> Result<bool, StoreError>;
}

/// The service's own copies of products.
#[async_trait::async_trait]
pub trait KnownProducts {
    /// Returns the copies of `products`, without those that have none.
    async fn known_products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError>;

    /// Updates the copy of a product, as [`KnownProduct::after`] decides. Returns it, and true if it changed.
    async fn update_product(&self, update: ProductUpdate) -> Result<(KnownProduct, bool), StoreError>;
}

/// Opens the store at `url` with its outbox: Redis for `redis://` and `rediss://`, else SQL, which is migrated.
///
/// Errors: an unknown scheme; an engine that does not respond.
pub async fn open(url: &str, currency: Currency) -> Result<(Arc<dyn CartStore>, Arc<dyn Outbox>), StartError> {
    if redis::is_redis(url) {
        let (store, outbox) = redis::open(url, currency).await?;
        return Ok((Arc::new(store), Arc::new(outbox)));
    }
    let (store, outbox) = sql::open(url, currency).await?;
    Ok((Arc::new(store), Arc::new(outbox)))
}
