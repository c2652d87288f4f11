//! Purchased items, a row for each product that a user bought.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_sql::{Json, SqlError, Tx, insert_row, lock_for_update, newest_page, update_rows};
use souk_values::{Id, Page, PageRequest, ProductId, UserId};

use super::{insert_error, lost_race};
use crate::{
    cart::{ConcernedPurchases, Item},
    store::{
        StoreError,
        entities::purchased_item::{ActiveModel, Column, Entity},
    },
};

/// Returns those of the purchased items of `user` that are `concerned`, locked until the transaction ends.
pub(super) async fn concerned(tx: &Tx, user: UserId, concerned: &ConcernedPurchases) -> Result<Vec<Item>, SqlError> {
    if concerned.is_empty() {
        return Ok(Vec::new());
    }
    let is_concerned = Condition::any()
        .add(Column::ProductId.is_in(concerned.products.iter().map(|product| product.get())))
        .add(Column::CartItemId.is_in(&concerned.item_ids));
    let own = Entity::find().filter(Column::UserId.eq(user.get())).filter(is_concerned);
    let rows = lock_for_update(own.order_by_asc(Column::ProductId)).all(tx).await?;
    Ok(rows.into_iter().map(|row| row.item.0).collect())
}

/// Saves the differences between the purchased items `before` and `after` a command.
pub(super) async fn save(tx: &Tx, user: UserId, before: &[Item], after: &[Item]) -> Result<(), StoreError> {
    let mut stored: HashMap<ProductId, &Item> = before.iter().map(|item| (item.product_id, item)).collect();
    for item in after {
        match stored.remove(&item.product_id) {
            Some(same) if same == item => {}
            Some(_) => {
                let key = [(Column::UserId, user.get().into()), (Column::ProductId, item.product_id.get().into())];
                if update_rows(tx, row(user, item), &key).await? != 1 {
                    return Err(lost_race("purchased item"));
                }
            }
            None => {
                insert_row(tx, row(user, item)).await.map_err(|error| insert_error(error, "purchased item"))?;
            }
        }
    }
    for product in stored.into_keys() {
        Entity::delete_many().filter(is_row(user, product)).exec(tx).await?;
    }
    Ok(())
}

/// Returns the requested page of what `user` bought, the latest first.
pub(super) async fn page(
    connection: &impl ConnectionTrait,
    user: UserId,
    request: PageRequest,
) -> Result<Page<Item>, SqlError> {
    let own = Entity::find().filter(Column::UserId.eq(user.get()));
    let page = newest_page(connection, own, &[Column::BoughtAt, Column::ProductId], request).await?;
    Ok(page.map(|row| row.item.0))
}

/// Returns the latest of what `user` bought, at most `limit`.
pub(super) async fn latest(connection: &impl ConnectionTrait, user: UserId, limit: u64) -> Result<Vec<Item>, SqlError> {
    let own = Entity::find().filter(Column::UserId.eq(user.get()));
    let latest = own.order_by_desc(Column::BoughtAt).order_by_desc(Column::ProductId).limit(limit);
    Ok(latest.all(connection).await?.into_iter().map(|row| row.item.0).collect())
}

fn row(user: UserId, item: &Item) -> ActiveModel {
    ActiveModel {
        user_id: Set(user.get()),
        product_id: Set(item.product_id.get()),
        cart_item_id: Set(item.cart_item_id.clone()),
        bought_at: Set(item.bought_at_millis()),
        item: Set(Json(item.clone())),
    }
}

fn is_row(user: UserId, product: ProductId) -> Condition {
    Condition::all().add(Column::UserId.eq(user.get())).add(Column::ProductId.eq(product.get()))
}
