//! The ledger of stock: every move of units, with what caused it.

use sea_orm::{EntityTrait, Set};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, ProductId, Timestamp};

use super::entities::stock_movement::{ActiveModel, Entity};

/// Rows in one INSERT, below every engine's limit of bound values.
const ROWS: usize = 500;

/// Why units moved. `stock = initial + adjustment - reserve + release + return`; held are
/// `reserve - release - sell`, sold are `sell - return`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There from the start.
    Initial,
    /// An admin's correction, with its sign.
    Adjustment,
    /// Set aside for an order.
    Reserve,
    /// Given back from what was set aside.
    Release,
    /// Sold, out of what was set aside.
    Sell,
    /// Given back from what was sold.
    Return,
}

impl Kind {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Adjustment => "adjustment",
            Self::Reserve => "reserve",
            Self::Release => "release",
            Self::Sell => "sell",
            Self::Return => "return",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        [Self::Initial, Self::Adjustment, Self::Reserve, Self::Release, Self::Sell, Self::Return]
            .into_iter()
            .find(|kind| kind.text() == text)
    }
}

/// What moves units: written beside each of them, once per product and kind.
#[derive(Debug, Clone)]
pub(super) struct Entry<'e> {
    pub kind: Kind,
    /// The event's or adjustment's id, or `initial`.
    pub cause: &'e str,
    pub order_id: Option<OrderId>,
    pub at: Timestamp,
}

/// Writes `units` of products into the ledger.
pub(super) async fn write(
    tx: &Tx,
    entry: &Entry<'_>,
    units: impl IntoIterator<Item = (ProductId, i64)>,
) -> Result<(), SqlError> {
    let rows: Vec<ActiveModel> = units
        .into_iter()
        .map(|(product_id, quantity)| ActiveModel {
            product_id: Set(product_id.get()),
            cause: Set(entry.cause.to_owned()),
            kind: Set(entry.kind.text().to_owned()),
            quantity: Set(quantity),
            order_id: Set(entry.order_id.map(Id::get)),
            created_at: Set(entry.at.millis()),
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        Entity::insert_many(rows.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(())
}
