//! The stock ledger of a product, as admins read it.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_sql::count_up_to_limit;
use souk_values::{Id, OrderId, PageRequest, ProductId, Timestamp, page::Total};

use super::{
    MovementKind, ProductStore, StoreError,
    checkpoints::CHECKPOINT,
    entities::{stock_adjustment, stock_movement},
    products, rows,
};

/// A move of a product's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Movement {
    pub at: Timestamp,
    pub kind: MovementKind,
    pub quantity: i64,
    /// True for the sum of the moves of this kind up to this time.
    pub is_sum: bool,
    /// The order that caused it.
    pub order_id: Option<OrderId>,
    /// The reason that an admin gave for a correction.
    pub reason: Option<String>,
}

impl ProductStore {
    /// Returns a page of the ledger of a product, the last move first, and the number of all its moves. A deleted product
    /// keeps its ledger.
    pub(crate) async fn movements(
        &self,
        product_id: ProductId,
        page: PageRequest,
    ) -> Result<(Vec<Movement>, Total), StoreError> {
        use stock_movement::{Column, Entity};
        if products::find_any(self.db.reader(), product_id, self.currency).await?.is_none() {
            return Err(StoreError::ProductNotFound);
        }
        let all = Entity::find().filter(Column::ProductId.eq(product_id.get()));
        let total = count_up_to_limit(self.db.reader(), all.clone()).await?;
        let found = all
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Cause)
            .order_by_desc(Column::Kind)
            .offset(page.offset())
            .limit(page.limit())
            .all(self.db.reader())
            .await?;
        let reasons = self.reasons(found.iter().map(|row| row.cause.as_str())).await?;
        let movements = found.into_iter().map(|row| {
            Ok(Movement {
                at: Timestamp::from_millis(row.created_at),
                kind: MovementKind::named(&row.kind).ok_or_else(|| rows::damaged("kind of movement", &row.kind))?,
                quantity: row.quantity,
                is_sum: row.cause == CHECKPOINT,
                order_id: row.order_id.map(rows::id).transpose()?,
                reason: reasons.get(&row.cause).cloned(),
            })
        });
        Ok((movements.collect::<Result<_, StoreError>>()?, total))
    }

    /// Returns the reasons of those of `causes` that are corrections of an admin.
    async fn reasons(&self, causes: impl Iterator<Item = &str>) -> Result<BTreeMap<String, String>, StoreError> {
        use stock_adjustment::{Column, Entity};
        let reasons: Vec<(String, String)> = Entity::find()
            .select_only()
            .columns([Column::AdjustmentId, Column::Reason])
            .filter(Column::AdjustmentId.is_in(causes))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        Ok(reasons.into_iter().collect())
    }
}
