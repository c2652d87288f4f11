//! Facts that `souk audit` checks: stock against its ledger, and every reservation.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError};
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservationFact {
    pub order_id: OrderId,
    pub state: ReservationState,
    /// Units of each product; empty for a reservation that never had any.
    pub lines: Vec<(ProductId, i64)>,
}

pub async fn read(store_url: &str) -> Result<ProductAuditFacts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let snapshot = db.snapshot().await?;
    let facts = ProductAuditFacts {
        products: products(&snapshot).await?,
        reservations: reservations(&snapshot).await?,
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
        products.insert(id, ProductStock { product_id, stock, initial: 0, adjusted: 0, reserved: 0, sold: 0 });
    }
    let mut movements = stock_movement::Entity::find().stream(snapshot).await?;
    while let Some(movement) = movements.try_next().await? {
        let Some(product) = products.get_mut(&movement.product_id) else { continue };
        let kind = MovementKind::named(&movement.kind).ok_or_else(|| {
            SqlError::Failed(format!("the ledger has a movement of the unknown kind '{}'", movement.kind))
        })?;
        product.add(kind, movement.quantity);
    }
    Ok(products.into_values().collect())
}

impl ProductStock {
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

async fn reservations(snapshot: &DatabaseTransaction) -> Result<Vec<ReservationFact>, SqlError> {
    let mut rows = reservation::Entity::find().order_by_asc(reservation::Column::OrderId).stream(snapshot).await?;
    let mut facts = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let damaged = || SqlError::Failed(format!("the reservation of order {} cannot be read", row.order_id));
        let lines: BTreeMap<ProductId, i64> = serde_json::from_str(&row.order_lines).map_err(|_| damaged())?;
        facts.push(ReservationFact {
            order_id: read_id(row.order_id)?,
            state: ReservationState::named(&row.state).ok_or_else(damaged)?,
            lines: lines.into_iter().collect(),
        });
    }
    Ok(facts)
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
