//! The progress of the orders that took items from carts.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Set};
use souk_sql::{Db, SqlError, Tx, delete_in_batches, insert_row, row_with};
use souk_values::{Id, IdGen, OrderId, Timestamp, UserId};

use super::{damaged, insert_error, lost_race};
use crate::{
    cart::{OrderProgress, OrderStage},
    store::{ORDERS_KNOWN_FOR, StoreError, entities::known_order},
};

/// Returns what is known of `order`.
pub(super) async fn progress(tx: &Tx, order: OrderId) -> Result<Option<OrderProgress>, SqlError> {
    let key = [(known_order::Column::OrderId, order.get().into())];
    let Some(row) = row_with::<known_order::Entity>(tx, &key).await? else { return Ok(None) };
    let stage = match row.stage {
        0 => OrderStage::Placed,
        1 => OrderStage::Paid,
        2 => OrderStage::Cancelled,
        other => return Err(damaged("stage of an order", other)),
    };
    Ok(Some(OrderProgress { version: row.version, stage }))
}

/// Saves `progress` over what was `known`, unless another transaction changed it.
pub(super) async fn save_progress(
    tx: &Tx,
    order: OrderId,
    user: UserId,
    known: Option<OrderProgress>,
    progress: OrderProgress,
) -> Result<(), StoreError> {
    let stage = match progress.stage {
        OrderStage::Placed => 0,
        OrderStage::Paid => 1,
        OrderStage::Cancelled => 2,
    };
    let row = known_order::ActiveModel {
        order_id: Set(order.get()),
        user_id: Set(user.get()),
        version: Set(progress.version),
        stage: Set(stage),
    };
    let Some(known) = known else {
        insert_row(tx, row).await.map_err(|error| insert_error(error, "order"))?;
        return Ok(());
    };
    // Progress changes only together with its version, or with a stage that grows.
    let is_unchanged = Condition::all()
        .add(known_order::Column::OrderId.eq(order.get()))
        .add(known_order::Column::Version.eq(known.version))
        .add(known_order::Column::Stage.lte(stage));
    let saved = known_order::Entity::update_many().set(row).filter(is_unchanged).exec(tx).await?.rows_affected;
    if saved == 1 { Ok(()) } else { Err(lost_race("order")) }
}

/// Deletes the progress of old orders, and returns their number. An id begins with the time at which its order was placed.
pub(super) async fn purge(db: &Db, now: Timestamp) -> Result<u64, SqlError> {
    let before = IdGen::before(now.minus(ORDERS_KNOWN_FOR));
    let id = known_order::Column::OrderId;
    delete_in_batches::<known_order::Entity, i64>(db, id, id.lt(before)).await
}
