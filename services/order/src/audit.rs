//! Facts about orders for `souk audit`.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::{Asterisk, Expr, ExprTrait, Func, Query},
};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError, nth_key};
use souk_values::{Id, Money, OrderId, PaymentId, Timestamp};

use crate::store::{damaged, order_step, shop_order};

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAuditFacts {
    pub orders: Vec<AuditedOrder>,
    /// Number of steps beyond the first with the same order and cause; 0 unless a cause took effect twice.
    pub repeated_effects: u64,
    /// Number of events not yet published.
    pub outbox_pending: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct AuditedOrder {
    pub order_id: OrderId,
    /// Latest milestone, as stored.
    pub status: String,
    /// True if the stock was reserved at any time.
    pub is_confirmed: bool,
    /// True while product has not decided on the stock.
    pub is_undecided: bool,
    /// True if a payment was captured at any time, refunded or not.
    pub is_paid: bool,
    pub is_cancelled: bool,
    pub is_shipped: bool,
    pub total: Money,
    pub order_date: Timestamp,
    /// Payment whose capture paid for the order.
    pub payment_id: Option<PaymentId>,
    pub version: i64,
}

#[derive(FromQueryResult)]
struct Row {
    order_id: i64,
    status: String,
    total_minor: i64,
    currency: String,
    order_date: i64,
    confirmed_at: Option<i64>,
    paid_at: Option<i64>,
    cancelled_at: Option<i64>,
    shipped_at: Option<i64>,
    payment_id: Option<i64>,
    version: i64,
}

/// The store, opened read-only and read in ranges of order ids, so that memory does not grow with the number of orders.
#[derive(Debug, Clone)]
pub struct OrderAudit(Db);

impl OrderAudit {
    /// Opens the store at `store_url`; the service may be running.
    pub async fn open(store_url: &str) -> Result<Self, SqlError> {
        Ok(Self(Db::open(store_url, Access::ReadOnly).await?))
    }

    /// Returns the id of the `rows`-th order above `after`; `None` when there are fewer.
    pub async fn boundary(&self, after: i64, rows: u64) -> Result<Option<i64>, SqlError> {
        nth_key(self.0.reader(), shop_order::Column::OrderId, after, rows).await
    }

    /// Reads the orders with ids above `after` and up to `until`.
    pub async fn orders(&self, after: i64, until: i64) -> Result<Vec<AuditedOrder>, SqlError> {
        orders(self.0.reader(), after, until).await
    }

    /// Counts the steps of these orders beyond the first with the same order and cause.
    pub async fn repeated_effects(&self, after: i64, until: i64) -> Result<u64, SqlError> {
        repeated_effects(self.0.reader(), after, until).await
    }
}

/// Reads the whole store at `store_url` in one snapshot; the service may be running.
pub async fn read(store_url: &str) -> Result<OrderAuditFacts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let snapshot = db.snapshot().await?;
    let orders = orders(&snapshot, i64::MIN, i64::MAX).await?;
    let repeated_effects = repeated_effects(&snapshot, i64::MIN, i64::MAX).await?;
    let pending = Query::select().expr_as(Func::count(Expr::col(Asterisk)), "pending").from("outbox_event").take();
    let pending = snapshot.query_one(&pending).await?;
    let pending: i64 = pending.map(|row| row.try_get("", "pending")).transpose()?.unwrap_or(0);
    snapshot.commit().await?;
    Ok(OrderAuditFacts { orders, repeated_effects, outbox_pending: u64::try_from(pending).unwrap_or(0) })
}

async fn orders(connection: &impl ConnectionTrait, after: i64, until: i64) -> Result<Vec<AuditedOrder>, SqlError> {
    use shop_order::Column;
    let rows = shop_order::Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::Status, Column::TotalMinor, Column::Currency, Column::OrderDate])
        .columns([Column::ConfirmedAt, Column::PaidAt, Column::CancelledAt, Column::ShippedAt])
        .columns([Column::PaymentId, Column::Version])
        .filter(Column::OrderId.gt(after))
        .filter(Column::OrderId.lte(until))
        .into_model::<Row>()
        .all(connection)
        .await?;
    rows.into_iter().map(audited_order).collect()
}

async fn repeated_effects(connection: &impl ConnectionTrait, after: i64, until: i64) -> Result<u64, SqlError> {
    use order_step::Column;
    let repeated = order_step::Entity::find()
        .select_only()
        .column_as(Expr::col(Asterisk).count(), "times")
        .filter(Column::OrderId.gt(after))
        .filter(Column::OrderId.lte(until))
        .group_by(Column::OrderId)
        .group_by(Column::Cause)
        .having(Expr::col(Asterisk).count().gt(1))
        .into_tuple::<i64>()
        .all(connection)
        .await?;
    Ok(repeated.into_iter().map(|times| u64::try_from(times - 1).unwrap_or(0)).sum())
}

fn audited_order(row: Row) -> Result<AuditedOrder, SqlError> {
    let currency = row.currency.parse().map_err(|error| damaged(&error))?;
    Ok(AuditedOrder {
        order_id: OrderId::new(row.order_id).map_err(|error| damaged(&error))?,
        is_undecided: row.confirmed_at.is_none() && row.cancelled_at.is_none(),
        status: row.status,
        is_confirmed: row.confirmed_at.is_some(),
        is_paid: row.paid_at.is_some(),
        is_cancelled: row.cancelled_at.is_some(),
        is_shipped: row.shipped_at.is_some(),
        total: Money::new(row.total_minor, currency),
        order_date: Timestamp::from_millis(row.order_date),
        payment_id: row.payment_id.map(PaymentId::new).transpose().map_err(|error| damaged(&error))?,
        version: row.version,
    })
}
