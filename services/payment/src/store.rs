//! Payment's store: the traits that each engine implements, and their arguments and results.

mod changed_rows;
pub(crate) mod entities;
mod migrations;
mod mssql;
mod opening;
pub(crate) mod rows;
pub mod schedule;
mod sql;

use std::time::Duration;

use souk_bus::Cause;
use souk_events::Envelope;
use souk_sql::{ConnectionCounts, Retryable, SqlError};
use souk_values::{BusinessDay, Money, OffsetPeriod, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};

pub(crate) use opening::is_mssql;
pub use opening::{OpenStore, migrate, open, open_to_read, pending_migrations};
pub use schedule::{DueBy, DuePayment, DueRefund, NeededAccount, OpenRefund, Row, Schedule};

use crate::{
    order_payments::OrderPayments,
    payment::{FailureCode, Payment, Status},
};

/// The store as the service uses it. Each method is one transaction or one read.
pub trait PaymentStore: Payments + Schedule + Reports + References + Maintenance {}

/// The payments of an order: found, and changed under the order's row version.
#[async_trait::async_trait]
pub trait Payments: Send + Sync + std::fmt::Debug {
    /// Reads an order with its payments; `None` when payment has no copy of the order.
    async fn order_payments(&self, order: OrderId) -> Result<Option<OrderPayments>, StoreError>;
    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError>;
    /// Finds the payment that `caller` made with an idempotency key.
    async fn payment_by_key(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError>;
    /// Finds the payment that `admin` refunded with an idempotency key.
    async fn refund_by_key(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError>;
    /// Saves a change with its events.
    ///
    /// Errors: `Conflict` when the order was changed after it was read.
    async fn save(&self, change: Change) -> Result<Saved, StoreError>;
}

/// Lists, sums and counts of payments.
#[async_trait::async_trait]
pub trait Reports: Send + Sync + std::fmt::Debug {
    /// Lists payments, newest first.
    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError>;
    /// Tallies the payments and refunds of each day of a period.
    async fn tallies(&self, period: &OffsetPeriod) -> Result<Tallies, StoreError>;
    /// Counts open payments, and those of them claimed before `stuck_before`.
    async fn open_counts(&self, stuck_before: Timestamp) -> Result<OpenCounts, StoreError>;
    /// Reads every payment, and the number of unpublished events, for the audit.
    async fn audit_snapshot(&self) -> Result<(Vec<Payment>, u64), StoreError>;
    /// Reads every unpublished event, oldest first.
    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError>;
}

/// References that the provider assigned to payments, such as the id of a Stripe intent.
#[async_trait::async_trait]
pub trait References: Send + Sync + std::fmt::Debug {
    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError>;
    /// Errors: `Conflict` when the payment has a reference.
    async fn insert_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Stores the reference of a payment unless it has one; returns the stored one.
    async fn record_reference(
        &self,
        payment: PaymentId,
        reference: &str,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        if let Some(stored) = self.reference(payment).await? {
            return Ok(stored);
        }
        match self.insert_reference(payment, reference, now).await {
            Ok(()) => Ok(reference.to_owned()),
            // Another process stored one in between; the first one counts.
            Err(StoreError::Conflict) => self.reference(payment).await?.ok_or(StoreError::Conflict),
            Err(error) => Err(error),
        }
    }
}

/// Upkeep and health of the store.
#[async_trait::async_trait]
pub trait Maintenance: Send + Sync + std::fmt::Debug {
    /// Claims a run of a periodic job: true in one of all replicas within `period`. On SQL Server true in each of them.
    async fn claim_job(&self, job: &'static str, now: Timestamp, period: Duration) -> Result<bool, StoreError>;
    /// Deletes inbox events that are too old to be redelivered; returns their number.
    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError>;
    fn connections(&self) -> ConnectionCounts;
    /// Errors: the engine does not respond.
    async fn ping(&self) -> Result<(), StoreError>;
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another change of the order, or another use of the same key, was saved first: read and decide again.
    #[error("another request changed this in the meantime")]
    Conflict,
    #[error(transparent)]
    Sql(SqlError),
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            // The claim of an order, a key, or the id of a new row: the next decision has new ids.
            SqlError::Unique(index) => {
                tracing::debug!(index, "a unique index refused a row; the change is decided again");
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

impl From<StoreError> for SqlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error,
            StoreError::Conflict => Self::Busy(error.to_string()),
        }
    }
}

impl Retryable for StoreError {
    fn sql_error(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Conflict => None,
        }
    }
}

/// A decided change of an order's payments.
#[derive(Debug, Clone)]
pub struct Change {
    /// State that was read and decided on; `None` for an order that is new to payment.
    pub before: Option<OrderPayments>,
    pub after: OrderPayments,
    /// Events to publish once the change is committed.
    pub events: Vec<Envelope>,
    /// Event that caused the change; `None` for a request or a task.
    pub cause: Option<Cause>,
    pub now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// The change is on disk.
    Done,
    /// The causing event was applied before; nothing changed.
    Duplicate,
}

/// The payment that an earlier request with the same idempotency key made or refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMatch {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    /// SHA-256 of the earlier request's body, 64 hexadecimal digits.
    pub body_hash: String,
}

/// Filter of a list of payments; `None` does not filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub user_id: Option<UserId>,
    pub order_id: Option<OrderId>,
}

/// Numbers of payments whose outcome is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenCounts {
    pub processing: u64,
    /// Those of them that have been processing for too long.
    pub stuck: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Tallies {
    pub payments: Vec<PaymentTally>,
    pub refunds: Vec<RefundTally>,
}

/// Number of payments of a day with the same status, failure and amount.
#[derive(Debug, Clone, Copy)]
pub struct PaymentTally {
    /// Day of the claim.
    pub day: BusinessDay,
    pub status: Status,
    pub failure: Option<FailureCode>,
    /// Amount of each payment.
    pub amount: Money,
    pub count: i64,
}

/// Number of refunds of a day with the same amount.
#[derive(Debug, Clone, Copy)]
pub struct RefundTally {
    /// Day on which the provider returned the money.
    pub day: BusinessDay,
    /// Amount of each refund.
    pub amount: Money,
    pub count: i64,
}
