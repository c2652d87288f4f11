//! What `souk audit` reads of the orders, in one snapshot.

use sea_orm::{
    ConnectionTrait, EntityTrait, FromQueryResult, QuerySelect,
    sea_query::{Asterisk, Expr, ExprTrait, Func, Query},
};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError};
use souk_values::{Id, Money, OrderId, PaymentId, Timestamp};

use crate::store::{damaged, order_step, shop_order};

/// What is true of the orders.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Every order.
    pub orders: Vec<OrderFact>,
    /// Steps of a timeline that share order and cause with another; 0 or an effect happened twice.
    pub repeated_effects: u64,
    /// Events not yet published.
    pub outbox_pending: u64,
}

/// What is true of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct OrderFact {
    /// Which.
    pub order_id: OrderId,
    /// Its latest milestone.
    pub status: String,
    /// Its stock was reserved, whatever came after.
    pub is_confirmed: bool,
    /// Its money was captured, whatever came after.
    pub is_paid: bool,
    /// It was cancelled.
    pub is_cancelled: bool,
    /// It was shipped.
    pub is_shipped: bool,
    /// Sum of its lines.
    pub total: Money,
    /// When it was placed.
    pub order_date: Timestamp,
    /// The payment that paid it.
    pub payment_id: Option<PaymentId>,
    /// Its version.
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

/// Reads the store at `store_url` without changing it, beside a running service or not.
pub async fn read(store_url: &str) -> Result<Facts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let snapshot = db.snapshot().await?;
    let rows = {
        use shop_order::Column;
        shop_order::Entity::find()
            .select_only()
            .columns([Column::OrderId, Column::Status, Column::TotalMinor, Column::Currency, Column::OrderDate])
            .columns([Column::ConfirmedAt, Column::PaidAt, Column::CancelledAt, Column::ShippedAt])
            .columns([Column::PaymentId, Column::Version])
            .into_model::<Row>()
            .all(&snapshot)
            .await?
    };
    let orders = rows.into_iter().map(fact).collect::<Result<Vec<_>, _>>()?;
    let repeated = {
        use order_step::Column;
        order_step::Entity::find()
            .select_only()
            .column_as(Expr::col(Asterisk).count(), "times")
            .group_by(Column::OrderId)
            .group_by(Column::Cause)
            .having(Expr::col(Asterisk).count().gt(1))
            .into_tuple::<i64>()
            .all(&snapshot)
            .await?
    };
    let pending = Query::select().expr_as(Func::count(Expr::col(Asterisk)), "pending").from("outbox_event").take();
    let pending = snapshot.query_one(&pending).await?;
    let pending: i64 = pending.map(|row| row.try_get("", "pending")).transpose()?.unwrap_or(0);
    snapshot.commit().await?;
    Ok(Facts {
        orders,
        repeated_effects: repeated.into_iter().map(|times| u64::try_from(times - 1).unwrap_or(0)).sum(),
        outbox_pending: u64::try_from(pending).unwrap_or(0),
    })
}

fn fact(row: Row) -> Result<OrderFact, SqlError> {
    let currency = row.currency.parse().map_err(|error| damaged(&error))?;
    Ok(OrderFact {
        order_id: OrderId::new(row.order_id).map_err(|error| damaged(&error))?,
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
