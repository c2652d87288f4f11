//! What payment keeps: the trait that each engine's store fulfils, and what goes in and out of it.

mod changed_rows;
mod migrations;
mod mssql;
mod opening;
mod rows;
mod sql;
mod tables;
mod upkeep;

use souk_events::Envelope;
use souk_sql::{Connections, Retryable, SqlError};
use souk_values::{Money, OrderId, Page, PageRequest, PaymentId, RefundId, Timestamp, UserId};
use uuid::Uuid;

pub use opening::{Opened, migrate, open, open_to_read, pending_migrations};
pub(crate) use upkeep::keep_short;

use crate::{
    account::Account,
    payment::{FailureCode, Payment, Status},
};

/// Payment's store. Each method is one transactional act, or one read.
#[async_trait::async_trait]
pub trait PaymentStore: Send + Sync + std::fmt::Debug {
    /// All the money of an order; `None` when the order is not known here.
    async fn account(&self, order: OrderId) -> Result<Option<Account>, StoreError>;
    /// Which order a payment pays.
    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError>;
    /// The payment that this caller asked for with this key.
    async fn payment_under(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError>;
    /// The refund that this admin asked for with this key.
    async fn refund_under(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError>;
    /// Saves a changed account with its events, if nobody changed it meanwhile. Errors: `Conflict`.
    async fn save(&self, change: Change) -> Result<Saved, StoreError>;
    /// Payments claimed before `before` whose outcome is not known, in the order of their ids from
    /// above `after` on; a page of them.
    async fn open_payments(&self, before: Timestamp, after: i64) -> Result<Vec<OpenPayment>, StoreError>;
    /// The same of refunds that were due before `before`.
    async fn open_refunds(&self, before: Timestamp, after: i64) -> Result<Vec<OpenRefund>, StoreError>;
    /// Payments, newest first, of one payer or all, of one order or all.
    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError>;
    /// Payments and refunds of each day from `from_day` on.
    async fn tallies(&self, from_day: i64) -> Result<Tallies, StoreError>;
    /// How many payments are open, and how many were claimed before `stuck_before`.
    async fn standing(&self, stuck_before: Timestamp) -> Result<Standing, StoreError>;
    /// Every payment with its refunds, and how many events are not published, at one instant.
    async fn everything(&self) -> Result<(Vec<Payment>, u64), StoreError>;
    /// Keeps what the provider calls a payment; the first that was ever noted stays. Answers the kept one.
    async fn note_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<String, StoreError>;
    /// What the provider calls a payment, if it was noted.
    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError>;
    /// Every event that is not published, oldest first.
    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError>;
    /// Forgets events of the inbox that are too old to come again. Answers how many.
    async fn forget_old(&self, now: Timestamp) -> Result<u64, StoreError>;
    /// How many connections there are.
    fn connections(&self) -> Connections;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Why a store method failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody changed the account meanwhile, or used the same key: read again and decide anew.
    #[error("somebody else changed this meanwhile")]
    Conflict,
    /// The engine.
    #[error(transparent)]
    Sql(SqlError),
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            // The claim of an order, a key, or the id of a new row: each is decided anew with new ids.
            SqlError::Unique(index) => {
                tracing::debug!(index, "a row was there already; it is decided anew");
                Self::Conflict
            }
            error => Self::Sql(error),
        }
    }
}

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        SqlError::from(error).into()
    }
}

impl Retryable for StoreError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Conflict => None,
        }
    }
}

/// A decided change of one account.
#[derive(Debug, Clone)]
pub struct Change {
    /// As it was read.
    pub before: Option<Account>,
    /// As it is to be.
    pub after: Account,
    /// What that makes true.
    pub events: Vec<Envelope>,
    /// The event that caused it, if one did.
    pub cause: Option<Cause>,
    /// When.
    pub now: Timestamp,
}

/// An event as the inbox remembers it.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The queue it came from.
    pub queue: &'static str,
    /// Its id.
    pub event_id: Uuid,
}

/// What saving did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is on disk.
    Done,
    /// The causing event had its effect before; nothing changed.
    Duplicate,
}

/// What was asked for with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHit {
    /// Of which order.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// The digest of the body that came with the key.
    pub body_hash: String,
}

/// A payment whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPayment {
    /// Of which order.
    pub order_id: OrderId,
    /// Which.
    pub payment_id: PaymentId,
}

/// A refund whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRefund {
    /// Of which order.
    pub order_id: OrderId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Which.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
}

/// Which payments are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only this one's.
    pub user_id: Option<UserId>,
    /// Only of this order.
    pub order_id: Option<OrderId>,
}

/// How many payments are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Their outcome is not known.
    pub processing: u64,
    /// Their outcome is not known for too long.
    pub stuck: u64,
}

/// What happened by day; days are counted from 1970-01-01 UTC.
#[derive(Debug, Clone, Default)]
pub struct Tallies {
    /// Attempts.
    pub payments: Vec<PaymentTally>,
    /// Returns.
    pub refunds: Vec<RefundTally>,
}

/// `count` payments of one day that are alike.
#[derive(Debug, Clone, Copy)]
pub struct PaymentTally {
    /// When they were claimed.
    pub day: i64,
    /// Where they are.
    pub status: Status,
    /// Why they failed.
    pub failure: Option<FailureCode>,
    /// What each is.
    pub amount: Money,
    /// How many.
    pub count: i64,
}

/// `count` refunds of one day that are alike.
#[derive(Debug, Clone, Copy)]
pub struct RefundTally {
    /// When they were returned.
    pub day: i64,
    /// What each is.
    pub amount: Money,
    /// How many.
    pub count: i64,
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The day of `time`, counted from 1970-01-01 UTC.
#[must_use]
pub fn day_of(time: Timestamp) -> i64 {
    time.millis().div_euclid(DAY_MS)
}

/// When `day` begins.
#[must_use]
pub fn start_of(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(DAY_MS))
}
