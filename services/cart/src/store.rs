//! What a store of carts promises, whatever its engine.

pub mod redis;
pub mod sql;

pub(crate) mod entities;
pub(crate) mod migrations;

use std::{collections::HashMap, sync::Arc};

use souk_bus::{Outbox, SqlOutbox, Stamper};
use souk_events::{Envelope, EventError};
use souk_kit::StartError;
use souk_sql::{Connections, Retryable, SqlError};
use souk_values::{Currency, ProductId, Timestamp, UserId};
use uuid::Uuid;

use crate::{
    cart::{Act, Cart, Effects, Refusal, Terms},
    product::{KnownProduct, Notice, ProductNews, Wish},
};

/// When, on what terms and for which event something is done.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// When.
    pub now: Timestamp,
    /// How long items live.
    pub terms: Terms,
    /// For the events that the act decides on.
    pub stamper: Stamper,
    /// The event that causes it; done once for each.
    pub cause: Option<Cause>,
}

/// An event as the inbox remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The queue it came from.
    pub queue: &'static str,
    /// Unique.
    pub event_id: Uuid,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The cart as it is now.
    pub cart: Cart,
    /// What else came of it.
    pub effects: Effects,
    /// Whether anything was stored; false for a duplicate.
    pub is_applied: bool,
}

/// Carts in which time has something to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Whose carts, the longest due first.
    pub users: Vec<UserId>,
    /// When the next one falls due, if none is.
    pub next: Option<Timestamp>,
}

/// One notice to one user.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Whom.
    pub user_id: UserId,
    /// Of what.
    pub product_id: ProductId,
    /// What.
    pub notice: Notice,
    /// Of which revision of the product; each is told once.
    pub revision: i64,
    /// The event that tells it.
    pub envelope: Envelope,
}

/// What an engine that can be used says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// The connections to it.
    pub connections: Connections,
    /// How often it found keys, where it counts that.
    pub keyspace: Option<Keyspace>,
}

/// How often an engine was asked for a key since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyspace {
    /// And had it.
    pub hits: u64,
    /// And did not.
    pub misses: u64,
}

/// A failure of a store, or its refusal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine, whichever it is: away, busy, or what it keeps is damaged.
    #[error(transparent)]
    Engine(#[from] SqlError),
    /// The act is not allowed; nothing was stored.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An event cannot be shown as JSON.
    #[error("an event cannot be written: {0}")]
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
    fn sql(&self) -> Option<&SqlError> {
        if let Self::Engine(error) = self { Some(error) } else { None }
    }
}

/// Where carts and wishlists are. Each method is one transaction, with its outbox and inbox rows, on
/// the data of one user or one product.
#[async_trait::async_trait]
pub trait CartStore: Send + Sync + std::fmt::Debug {
    /// Whether it can be used now.
    async fn ping(&self, now: Timestamp) -> Result<Pulse, StoreError>;

    /// Somebody's cart, with items whose time may be over.
    async fn cart(&self, user: UserId) -> Result<Cart, StoreError>;

    /// Does `act` to the cart of `user`, as [`Cart::after`] decides. Errors: refused, see [`Refusal`].
    async fn act(&self, user: UserId, act: Act, occasion: Occasion) -> Result<Done, StoreError>;

    /// At most `limit` carts that are due at `now`.
    async fn due(&self, now: Timestamp, limit: u64) -> Result<Due, StoreError>;

    /// How many carts have active items.
    async fn active_carts(&self) -> Result<u64, StoreError>;

    /// Forgets which events were received long before `now`.
    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError>;

    /// What is known of `products`; those never heard of are missing.
    async fn products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError>;

    /// Takes `news` into the copy, as [`KnownProduct::after`] decides. Answers the copy, and whether
    /// it changed.
    async fn learn(&self, news: ProductNews) -> Result<(KnownProduct, bool), StoreError>;

    /// What `user` wishes for, newest first.
    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError>;

    /// Notes that `user` wishes for a product, seen at `revision`; nothing if noted already.
    /// Errors: [`Refusal::TooManyWishes`].
    async fn wish(&self, user: UserId, product: ProductId, revision: i64, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets the wish. Errors: [`Refusal::NotWished`].
    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), StoreError>;

    /// At most `limit` users who wish for a product and have not been told this notice of this revision,
    /// in the order of their ids, beginning behind `after`.
    async fn untold(
        &self,
        product: ProductId,
        news: (Notice, i64),
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Tells one user, unless that was done or the wish is gone. Answers whether it did.
    async fn tell(&self, telling: Telling) -> Result<bool, StoreError>;
}

/// Opens the store at `url`, whose prices are in `currency`, with its outbox: Redis by `redis://` or
/// `rediss://`, else SQL, which is migrated.
///
/// Errors: a scheme that no engine here has, an engine that does not answer.
pub async fn open(url: &str, currency: Currency) -> Result<(Arc<dyn CartStore>, Arc<dyn Outbox>), StartError> {
    if redis::is_redis(url) {
        let (store, outbox) = redis::open(url, currency).await?;
        return Ok((Arc::new(store), Arc::new(outbox)));
    }
    let store = sql::SqlCartStore::open(url, currency).await?;
    let outbox = SqlOutbox::new(store.db().clone());
    Ok((Arc::new(store), Arc::new(outbox)))
}

/// Brings the store at `url` up to date. Answers the names of what was applied; Redis needs nothing.
pub(crate) async fn migrate(url: &str) -> Result<Vec<String>, StartError> {
    if redis::is_redis(url) {
        return Ok(Vec::new());
    }
    Ok(souk_sql::migrate::<migrations::Migrations>(url).await?)
}

/// The names of what [`migrate`] would apply; changes nothing.
pub(crate) async fn pending_migrations(url: &str) -> Result<Vec<String>, StartError> {
    if redis::is_redis(url) {
        return Ok(Vec::new());
    }
    Ok(souk_sql::pending::<migrations::Migrations>(url).await?)
}
