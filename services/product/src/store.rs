//! Product's store: products, categories, reservations and the ledger of stock. One method is one
//! transactional act, events included.

mod adjustments;
mod categories;
pub(crate) mod entities;
mod imports;
mod ledger;
mod migrations;
mod products;
mod request_key;
mod reservations;
mod rows;
mod search;
mod shelves;

use std::sync::Arc;

use sea_orm::{DbErr, EntityTrait, QuerySelect};
use souk_bus::Stamper;
use souk_events::{Envelope, EventError};
use souk_sql::{Access, Db, Retryable, SqlError};
use souk_values::{CategoryId, Clock, Currency, IdGen, Timestamp};

pub(crate) use adjustments::Adjustment;
pub(crate) use imports::{Chunk, RowOutcome};
pub(crate) use ledger::Kind;
pub(crate) use migrations::Migrations;
pub(crate) use products::Draft;
pub(crate) use request_key::RequestKey;
pub(crate) use reservations::Cause;
pub(crate) use search::{CategoryCount, Filter, Found, Sort};

use crate::news::News;

/// Units at or below which a product is nearly sold out, unless configured otherwise.
pub const DEFAULT_LOW_STOCK_AT: i64 = 5;

/// Why a store method did nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// No such product in the catalogue.
    #[error("there is no such product")]
    ProductNotFound,
    /// No such category.
    #[error("there is no category {0}")]
    CategoryNotFound(CategoryId),
    /// A product or category names a category that there is not.
    #[error("there is no category {0} to put it into")]
    CategoryUnknown(CategoryId),
    /// The row has another version by now.
    #[error("the product was changed meanwhile")]
    Stale,
    /// Another product has the SKU.
    #[error("another product has this SKU")]
    SkuTaken,
    /// Another product has the slug.
    #[error("another product has this slug")]
    SlugTaken,
    /// Another category has the slug.
    #[error("another category has this slug")]
    CategorySlugTaken,
    /// Something is in the category.
    #[error("the category still has products or categories in it")]
    CategoryInUse,
    /// The category would be below itself.
    #[error("a category cannot be put below itself")]
    CategoryCycle,
    /// The stock would be below zero or too large.
    #[error("the stock is {0}, so it cannot be changed by this much")]
    StockOutOfRange(i64),
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Sql(error.into())
    }
}

impl From<EventError> for StoreError {
    fn from(error: EventError) -> Self {
        Self::Sql(SqlError::Failed(error.to_string()))
    }
}

impl Retryable for StoreError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

/// The store of products. Cloning shares it.
#[derive(Debug, Clone)]
pub struct ProductStore {
    db: Db,
    ids: IdGen,
    clock: Arc<dyn Clock>,
    currency: Currency,
    low_stock_at: i64,
}

impl ProductStore {
    /// Opens the store at `url` for reading and writing, and brings its tables up to date. Prices in it
    /// are in `currency`, the shop's.
    pub async fn open(url: &str, ids: IdGen, clock: Arc<dyn Clock>, currency: Currency) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db, ids, clock, currency, low_stock_at: DEFAULT_LOW_STOCK_AT })
    }

    /// The same, with another threshold for products that do not say their own.
    #[must_use]
    pub fn with_low_stock_at(self, low_stock_at: i64) -> Self {
        Self { low_stock_at, ..self }
    }

    /// Whether it holds no product at all.
    pub async fn is_empty(&self) -> Result<bool, SqlError> {
        let one = entities::product::Entity::find()
            .select_only()
            .column(entities::product::Column::ProductId)
            .limit(1)
            .into_tuple::<i64>()
            .one(self.db.reader())
            .await?;
        Ok(one.is_none())
    }

    /// The shop's currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The threshold of products that do not say their own.
    #[must_use]
    pub fn low_stock_at(&self) -> i64 {
        self.low_stock_at
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// What a transaction is given to stamp what it decides.
    fn telling(&self) -> Telling {
        let stamper = Stamper::new(self.ids.clone(), Arc::clone(&self.clock)).in_this_trace();
        Telling { stamper, now: self.clock.now(), currency: self.currency }
    }
}

/// The circumstances of a transaction: when it is, how it stamps its events, what money it is about.
#[derive(Debug, Clone)]
struct Telling {
    stamper: Stamper,
    now: Timestamp,
    currency: Currency,
}

impl Telling {
    fn stamp(&self, news: &[News]) -> Result<Vec<Envelope>, EventError> {
        news.iter().map(|news| news.stamp(&self.stamper)).collect()
    }
}
