//! Cart lines of orders: a line belongs to at most one order that is not cancelled.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId};

use super::{OrderStore, entities::ordered_cart_line, rows};
use crate::order::Order;

/// Inserts the lines of a new order. Errors: `Unique` if one belongs to another order.
pub(super) async fn take(tx: &Tx, lines: &[ordered_cart_line::ActiveModel]) -> Result<(), SqlError> {
    if !lines.is_empty() {
        ordered_cart_line::Entity::insert_many(lines.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Frees the lines of a cancelled order, so that they can be ordered again.
pub(super) async fn free(tx: &Tx, order: OrderId) -> Result<(), SqlError> {
    ordered_cart_line::Entity::delete_many()
        .filter(ordered_cart_line::Column::OrderId.eq(order.get()))
        .exec(tx)
        .await?;
    Ok(())
}

impl OrderStore {
    /// Returns the oldest order that holds one of the cart lines of `order`.
    pub(crate) async fn holder_of_lines(&self, order: &Order) -> Result<Option<OrderId>, SqlError> {
        use ordered_cart_line::Column;
        let items = order.lines.iter().filter_map(|line| line.cart_item_id.as_deref());
        let row = ordered_cart_line::Entity::find()
            .filter(Column::UserId.eq(order.user_id.get()))
            .filter(Column::CartItemId.is_in(items))
            .order_by_asc(Column::OrderId)
            .one(&self.db.lookup())
            .await?;
        row.map(|row| rows::id(row.order_id)).transpose()
    }
}
