//! Sums of old movements. Each product keeps one row for each kind of movement, which is the sum of those that were moved long
//! ago: so the ledger is as long as its period, and every sum of it stays as it was.
//!
//! A sum has the kind of its movements, because stock, reserved and sold units are each checked against sums of other kinds.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use souk_sql::{DELETION_BATCH, SqlError, Tx, lock_for_update};
use souk_values::{IdGen, Timestamp};

use super::{
    ProductStore, StoreError,
    entities::{
        product,
        stock_movement::{Column, Entity, Model},
    },
    rows,
};

/// Cause of the rows that are sums. Causes of others are ids of events and adjustments, which begin with a digit, or `initial`.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// Products whose ledgers are searched in one query.
const SEARCHED_AT_ONCE: u64 = 500;

/// A batch of movements that were replaced by sums.
#[derive(Debug, Clone, Copy)]
struct Folded {
    count: u64,
    /// False if the product may have further old movements.
    are_all: bool,
}

impl ProductStore {
    /// Replaces the movements from before `before` by their sums, and returns the number of movements. Those with which
    /// products were created stay: there is one for each product. Errors: the store's.
    pub async fn fold_movements(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut folded = 0;
        let mut last = i64::MIN;
        loop {
            let products = self.product_ids_after(last).await?;
            let Some(greatest) = products.last().copied() else { return Ok(folded) };
            for product_id in self.with_old_movements(products, before).await? {
                loop {
                    let batch = self
                        .db
                        .write((product_id, before), |tx, &(product_id, before)| Box::pin(fold(tx, product_id, before)))
                        .await?;
                    folded += batch.count;
                    if batch.are_all {
                        break;
                    }
                }
            }
            last = greatest;
        }
    }

    async fn product_ids_after(&self, last: i64) -> Result<Vec<i64>, SqlError> {
        let next = product::Entity::find()
            .select_only()
            .column(product::Column::ProductId)
            .filter(product::Column::ProductId.gt(last))
            .order_by_asc(product::Column::ProductId)
            .limit(SEARCHED_AT_ONCE);
        Ok(next.into_tuple().all(self.db.reader()).await?)
    }

    async fn with_old_movements(&self, products: Vec<i64>, before: Timestamp) -> Result<Vec<i64>, SqlError> {
        let found = Entity::find()
            .select_only()
            .column(Column::ProductId)
            .distinct()
            .filter(Column::ProductId.is_in(products))
            .filter(is_old(before));
        Ok(found.into_tuple().all(self.db.reader()).await?)
    }
}

/// Finds by the key alone, on every engine: causes are ids of UUID version 7, which begin with the time at which they were made,
/// and no movement is written before its cause was made.
fn is_old(before: Timestamp) -> Condition {
    Condition::all()
        .add(Column::Cause.lt(IdGen::uuid_before(before).to_string()))
        .add(Column::CreatedAt.lt(before.millis()))
}

/// Adds a batch of old movements of a product to its sums, and deletes them.
async fn fold(tx: &Tx, product_id: i64, before: Timestamp) -> Result<Folded, StoreError> {
    let own = || Condition::all().add(Column::ProductId.eq(product_id));
    let oldest = Entity::find().filter(own()).filter(is_old(before));
    let oldest = oldest.order_by_asc(Column::Cause).order_by_asc(Column::Kind).limit(DELETION_BATCH);
    // Locked, so that of two runs only one adds a movement to the sums: the second waits, and no longer finds it.
    let mut moves: Vec<Model> = lock_for_update(oldest).all(tx).await?;
    let are_all = u64::try_from(moves.len()).is_ok_and(|count| count < DELETION_BATCH);
    if !are_all && let Some(last) = moves.last().map(|last| last.cause.clone()) {
        // Of its movements, some may be beyond the limit.
        moves.retain(|moved| moved.cause != last);
    }
    let Some(last) = moves.last() else { return Ok(Folded { count: 0, are_all: true }) };
    let folded = own().add(is_old(before)).add(Column::Cause.lte(&last.cause));
    let sums = own().add(Column::Cause.eq(CHECKPOINT));
    let before_them = Entity::find().filter(sums.clone()).order_by_asc(Column::Kind);
    let before_them: Vec<Model> = lock_for_update(before_them).all(tx).await?;

    let count = u64::try_from(moves.len()).unwrap_or(u64::MAX);
    let deleted = Entity::delete_many().filter(folded).exec(tx).await?.rows_affected;
    if deleted != count {
        return Err(SqlError::Busy(format!("{deleted} movements were deleted, and {count} were read")).into());
    }
    Entity::delete_many().filter(sums).exec(tx).await?;
    let sums = summed(before_them.into_iter().chain(moves))?.into_iter().map(|sum| sum.into_active_model().reset_all());
    match Entity::insert_many(sums).exec_without_returning(tx).await.map_err(SqlError::from) {
        // Another run has inserted the product's first sums since they were read.
        Err(SqlError::Unique(message)) => Err(SqlError::Busy(message).into()),
        inserted => Ok(inserted.map(|_| Folded { count, are_all })?),
    }
}

/// Returns the sum of the movements of each kind, as of the last of them.
fn summed(movements: impl Iterator<Item = Model>) -> Result<Vec<Model>, SqlError> {
    let mut sums = BTreeMap::<String, Model>::new();
    for moved in movements {
        let sum = sums.entry(moved.kind.clone()).or_insert_with(|| Model {
            cause: CHECKPOINT.to_owned(),
            quantity: 0,
            order_id: None,
            ..moved.clone()
        });
        let too_large = || rows::damaged("sum of movements", format!("product {}", moved.product_id));
        sum.quantity = sum.quantity.checked_add(moved.quantity).ok_or_else(too_large)?;
        sum.created_at = sum.created_at.max(moved.created_at);
    }
    Ok(sums.into_values().collect())
}
