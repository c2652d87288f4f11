//! Products, categories, reservations and the ledger of stock. Each method is one transaction, events included.

mod adjustments;
mod categories;
mod changes;
mod checkpoints;
pub(crate) mod entities;
mod exports;
mod groups;
mod imports;
mod ledger;
mod list;
mod migrations;
mod movements;
mod order_batch;
mod order_events;
mod products;
mod related;
mod request_key;
mod reservations;
mod rows;
mod search;
mod stock;

use std::sync::Arc;

use sea_orm::{DbErr, EntityTrait, QuerySelect};
use souk_bus::Stamper;
use souk_events::{Envelope, EventError};
use souk_sql::{Access, Db, Retryable, SqlError};
use souk_values::{CategoryId, Clock, Currency, IdGen, ProductId, Timestamp};

pub(crate) use adjustments::Adjustment;
pub(crate) use changes::{ChangeBatch, Changes, ProductState};
pub(crate) use imports::{ImportBatch, RowOutcome};
pub(crate) use ledger::MovementKind;
pub(crate) use list::{
    CategoryCount, Entries, Facets, Filter, ListEntry, MAX_BRANDS, MAX_OPTION_VALUES, MAX_WORDS, OptionCount,
    SearchResult, Sort,
};
pub(crate) use migrations::Migrations;
pub(crate) use movements::Movement;
pub(crate) use products::ProductDraft;
pub(crate) use request_key::RequestKey;

use changes::{By, Touched};
use order_events::OrderQueue;

use crate::{event::ProductEvent, reservation::StockFull};

/// Low stock threshold in units, unless configured otherwise.
pub(crate) const DEFAULT_LOW_STOCK_AT: i64 = 5;

/// A failure of the store, or a rule of it that refuses the act. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The product does not exist or was deleted from the catalogue.
    #[error("the catalogue has no such product")]
    ProductNotFound,
    #[error("no category has the id {0}")]
    CategoryNotFound(CategoryId),
    /// The category that a product or another category refers to does not exist.
    #[error("the category {0} does not exist; choose another one")]
    CategoryUnknown(CategoryId),
    /// The product has another version than the caller read.
    #[error("the product was changed in the meantime")]
    Stale,
    #[error("another product already has this SKU")]
    SkuTaken,
    #[error("another product already has this slug")]
    SlugTaken,
    #[error("another product of the group already has these options; give this one others")]
    OptionsTaken,
    /// The product whose group another one is to join is not in the catalogue.
    #[error("the product {0}, whose group was to be joined, is not in the catalogue")]
    GroupUnknown(ProductId),
    #[error("another category already has this slug")]
    CategorySlugTaken,
    #[error("the category still contains products or categories; move or delete them first")]
    CategoryInUse,
    #[error("a category cannot be moved below itself")]
    CategoryCycle,
    /// Holds the current stock.
    #[error("the stock is {0} and cannot be changed by this much")]
    StockOutOfRange(i64),
    /// A cancelled order's units would raise the stock of a product above its maximum.
    #[error(
        "the stock of product {product_id} is {stock}, too high to take back the units of an order; lower it first"
    )]
    StockFull { product_id: ProductId, stock: i64 },
    #[error("the idempotency key was used with another body")]
    KeyReused,
}

impl From<StockFull> for StoreError {
    fn from(StockFull { product_id, stock }: StockFull) -> Self {
        Self::StockFull { product_id, stock }
    }
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
    fn sql_error(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

/// Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct ProductStore {
    db: Db,
    ids: IdGen,
    clock: Arc<dyn Clock>,
    currency: Currency,
    low_stock_at: i64,
    changes: Changes,
    orders: OrderQueue,
}

impl ProductStore {
    /// Opens and migrates the store at `url`. All its prices are in `currency`, the shop's.
    pub async fn open(url: &str, ids: IdGen, clock: Arc<dyn Clock>, currency: Currency) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self {
            db,
            ids,
            clock,
            currency,
            low_stock_at: DEFAULT_LOW_STOCK_AT,
            changes: Changes::default(),
            orders: OrderQueue::default(),
        })
    }

    /// Sets the low stock threshold of products without one of their own.
    pub(crate) fn with_low_stock_at(self, low_stock_at: i64) -> Self {
        Self { low_stock_at, ..self }
    }

    /// Returns true when no product was ever created, not even one that is deleted by now.
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

    pub(crate) fn currency(&self) -> Currency {
        self.currency
    }

    /// Returns the low stock threshold of products without one of their own.
    pub(crate) fn low_stock_at(&self) -> i64 {
        self.low_stock_at
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Returns what a transaction that starts now needs besides its arguments.
    fn tx_context(&self) -> TxContext {
        let stamper = Stamper::new(self.ids.clone(), Arc::clone(&self.clock)).with_current_trace();
        let touched = Touched::new(self.changes.clone());
        TxContext { stamper, now: self.clock.now(), currency: self.currency, touched, by: By::Admin }
    }
}

/// Time, currency and event stamper of a transaction, and the products that it changes.
#[derive(Debug, Clone)]
struct TxContext {
    stamper: Stamper,
    now: Timestamp,
    currency: Currency,
    touched: Touched,
    /// Cause of the edits; orders only move units.
    by: By,
}

impl TxContext {
    fn stamp(&self, events: &[ProductEvent]) -> Result<Vec<Envelope>, EventError> {
        events.iter().map(|event| event.stamp(&self.stamper)).collect()
    }
}
