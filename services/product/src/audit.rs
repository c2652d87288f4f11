//! Facts that `souk audit` checks: stock against its ledger, and every reservation.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError, nth_key};
use souk_values::{Id, OrderId, ProductId};

use crate::{
    ReservationState,
    store::{
        MovementKind,
        entities::{product, reservation, stock_movement},
    },
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductAuditFacts {
    pub products: Vec<ProductStock>,
    pub reservations: Vec<ReservationFact>,
    /// Events not yet published.
    pub outbox_pending: u64,
}

/// A product's stock beside the sums of its ledger; sound when `stock = initial + adjusted - reserved - sold`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductStock {
    pub product_id: ProductId,
    /// Units that can be bought, by the product's row.
    pub stock: i64,
    /// Units at creation, by the ledger as the rest.
    pub initial: i64,
    /// Sum of the admins' corrections.
    pub adjusted: i64,
    /// Units that open orders hold.
    pub reserved: i64,
    /// Units sold and not given back.
    pub sold: i64,
    /// Units of the reservations that hold some, which the ledger must have as reserved.
    pub held_by_orders: i64,
    /// Units of the reservations that became sales, which the ledger must have as sold.
    pub sold_to_orders: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservationFact {
    pub order_id: OrderId,
    pub state: ReservationState,
    /// Units of each product; empty for a reservation that never had any.
    pub lines: Vec<(ProductId, i64)>,
}

/// The store, opened read-only. Reservations are read in ranges of order ids; memory grows with the number of products
/// alone.
#[derive(Debug, Clone)]
pub struct ProductAudit(Db);

impl ProductAudit {
    /// Opens the store at `store_url`; the service may be running.
    pub async fn open(store_url: &str) -> Result<Self, SqlError> {
        Ok(Self(Db::open(store_url, Access::ReadOnly).await?))
    }

    /// Reads stock, ledger and the units of all reservations in one snapshot: they agree at every instant.
    pub async fn stock(&self) -> Result<Vec<ProductStock>, SqlError> {
        let snapshot = self.0.snapshot().await?;
        let products = products(&snapshot).await;
        snapshot.rollback().await?;
        products
    }

    /// Returns the order id of the `rows`-th reservation above `after`; `None` when there are fewer.
    pub async fn boundary(&self, after: i64, rows: u64) -> Result<Option<i64>, SqlError> {
        nth_key(self.0.reader(), reservation::Column::OrderId, after, rows).await
    }

    /// Reads the reservations of the orders with ids above `after` and up to `until`.
    pub async fn reservations(&self, after: i64, until: i64) -> Result<Vec<ReservationFact>, SqlError> {
        reservations(self.0.reader(), after, until).await
    }
}

/// Reads the whole store at `store_url` in one snapshot; the service may be running.
pub async fn read(store_url: &str) -> Result<ProductAuditFacts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let snapshot = db.snapshot().await?;
    let facts = ProductAuditFacts {
        products: products(&snapshot).await?,
        reservations: reservations(&snapshot, i64::MIN, i64::MAX).await?,
        outbox_pending: outbox_pending(&snapshot).await?,
    };
    snapshot.rollback().await?;
    Ok(facts)
}

async fn products(snapshot: &DatabaseTransaction) -> Result<Vec<ProductStock>, SqlError> {
    let stocks: Vec<(i64, i64)> = product::Entity::find()
        .select_only()
        .columns([product::Column::ProductId, product::Column::Stock])
        .into_tuple()
        .all(snapshot)
        .await?;
    let mut products = BTreeMap::new();
    for (id, stock) in stocks {
        let product_id = read_id(id)?;
        products.insert(id, ProductStock::new(product_id, stock));
    }
    {
        use stock_movement::Column;
        let ledger = stock_movement::Entity::find()
            .select_only()
            .columns([Column::ProductId, Column::Kind, Column::Quantity])
            .into_tuple::<(i64, String, i64)>();
        let mut ledger = ledger.stream(snapshot).await?;
        while let Some((product_id, kind, quantity)) = ledger.try_next().await? {
            let Some(product) = products.get_mut(&product_id) else { continue };
            let kind = MovementKind::named(&kind)
                .ok_or_else(|| SqlError::Failed(format!("the ledger has a movement of the unknown kind '{kind}'")))?;
            product.add(kind, quantity);
        }
    }
    let mut rows = reservation::Entity::find().stream(snapshot).await?;
    while let Some(row) = rows.try_next().await? {
        let reservation = reservation_fact(&row)?;
        for (product_id, units) in reservation.lines {
            let Some(product) = products.get_mut(&product_id.get()) else { continue };
            match reservation.state {
                ReservationState::Held => product.held_by_orders += units,
                ReservationState::Sold => product.sold_to_orders += units,
                ReservationState::Released | ReservationState::Refused | ReservationState::CancelledBefore => {}
            }
        }
    }
    Ok(products.into_values().collect())
}

impl ProductStock {
    fn new(product_id: ProductId, stock: i64) -> Self {
        Self { product_id, stock, initial: 0, adjusted: 0, reserved: 0, sold: 0, held_by_orders: 0, sold_to_orders: 0 }
    }

    fn add(&mut self, kind: MovementKind, quantity: i64) {
        match kind {
            MovementKind::Initial => self.initial += quantity,
            MovementKind::Adjustment => self.adjusted += quantity,
            MovementKind::Reserve => self.reserved += quantity,
            MovementKind::Release => self.reserved -= quantity,
            MovementKind::Sell => {
                self.reserved -= quantity;
                self.sold += quantity;
            }
            MovementKind::Return => self.sold -= quantity,
        }
    }
}

async fn reservations(
    connection: &impl ConnectionTrait,
    after: i64,
    until: i64,
) -> Result<Vec<ReservationFact>, SqlError> {
    let rows = reservation::Entity::find()
        .filter(reservation::Column::OrderId.gt(after))
        .filter(reservation::Column::OrderId.lte(until))
        .order_by_asc(reservation::Column::OrderId)
        .all(connection)
        .await?;
    rows.iter().map(reservation_fact).collect()
}

fn reservation_fact(row: &reservation::Model) -> Result<ReservationFact, SqlError> {
    let damaged = || SqlError::Failed(format!("the reservation of order {} cannot be read", row.order_id));
    let lines: BTreeMap<ProductId, i64> = serde_json::from_str(&row.order_lines).map_err(|_| damaged())?;
    Ok(ReservationFact {
        order_id: read_id(row.order_id)?,
        state: ReservationState::named(&row.state).ok_or_else(damaged)?,
        lines: lines.into_iter().collect(),
    })
}

async fn outbox_pending(snapshot: &DatabaseTransaction) -> Result<u64, SqlError> {
    let count = Query::select().expr_as(Expr::col("event_id").count(), "pending").from("outbox_event").take();
    let row = snapshot.query_one(&count).await?;
    let pending: i64 = row.map_or(Ok(0), |row| row.try_get("", "pending"))?;
    Ok(u64::try_from(pending).unwrap_or(0))
}

fn read_id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|_| SqlError::Failed(format!("{number} is not a valid id")))
}
