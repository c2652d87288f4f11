//! The ledger of stock: every move of units with its cause.

use sea_orm::{EntityTrait, Set};
use serde::Serialize;
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, ProductId, Timestamp};
use utoipa::ToSchema;

use super::entities::stock_movement::{ActiveModel, Entity};

/// Rows in one INSERT: below every engine's limit of bound parameters.
const CHUNK: usize = 500;

/// Reason of a move. Of a product's movements, `stock = initial + adjustment - reserve + release + return`; reserved are
/// `reserve - release - sell`, sold are `sell - return`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MovementKind {
    /// The units with which the product was created.
    Initial,
    /// An admin's correction, with its sign.
    Adjustment,
    Reserve,
    /// Reserved units go back to stock.
    Release,
    /// Reserved units are sold.
    Sell,
    /// Sold units go back to stock.
    Return,
}

impl MovementKind {
    const ALL: [Self; 6] = [Self::Initial, Self::Adjustment, Self::Reserve, Self::Release, Self::Sell, Self::Return];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Adjustment => "adjustment",
            Self::Reserve => "reserve",
            Self::Release => "release",
            Self::Sell => "sell",
            Self::Return => "return",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The common part of the movements that one cause leads to.
#[derive(Debug, Clone)]
pub(super) struct Entry<'e> {
    pub kind: MovementKind,
    /// Id of the event or the adjustment, or `initial`.
    pub cause: &'e str,
    pub order_id: Option<OrderId>,
    pub at: Timestamp,
}

/// Writes one movement for each of `units`.
pub(super) async fn write(
    tx: &Tx,
    entry: &Entry<'_>,
    units: impl IntoIterator<Item = (ProductId, i64)>,
) -> Result<(), SqlError> {
    insert(tx, &movements(entry, units).collect::<Vec<_>>()).await
}

/// Returns the rows of one movement for each of `units`.
pub(super) fn movements(
    entry: &Entry<'_>,
    units: impl IntoIterator<Item = (ProductId, i64)>,
) -> impl Iterator<Item = ActiveModel> {
    units.into_iter().map(|(product_id, quantity)| ActiveModel {
        product_id: Set(product_id.get()),
        cause: Set(entry.cause.to_owned()),
        kind: Set(entry.kind.name().to_owned()),
        quantity: Set(quantity),
        order_id: Set(entry.order_id.map(Id::get)),
        created_at: Set(entry.at.millis()),
    })
}

/// Inserts movements, which may have different causes.
pub(super) async fn insert(tx: &Tx, rows: &[ActiveModel]) -> Result<(), SqlError> {
    for rows in rows.chunks(CHUNK) {
        Entity::insert_many(rows.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(())
}
