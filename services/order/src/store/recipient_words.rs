//! The index of orders by the words of their recipients' names.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Set};
use souk_sql::{SqlError, Tx, from_prefix};
use souk_values::{Id, OrderId, UserId};

use super::entities::{
    recipient_word::{ActiveModel, Column, Entity},
    shop_order,
};
use crate::{order::Order, recipient};

/// A search among orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderSearch {
    /// The number of the order.
    Number(OrderId),
    /// The user who placed the order.
    Owner(UserId),
    /// Beginnings of words of the recipient's name, all of which must occur; not empty.
    Recipient(BTreeSet<String>),
    /// A text that no order can match.
    Nothing,
}

pub(super) fn rows(order: &Order) -> Vec<ActiveModel> {
    let row = |word| ActiveModel { word: Set(word), order_id: Set(order.order_id.get()) };
    recipient::words(&order.shipping_address.name).into_iter().map(row).collect()
}

pub(super) async fn insert(tx: &Tx, rows: &[ActiveModel]) -> Result<(), SqlError> {
    if !rows.is_empty() {
        Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Returns the condition that an order matches `search`, which indexes find.
pub(super) fn condition(search: &OrderSearch) -> Condition {
    let of_order = shop_order::Column::OrderId;
    match search {
        OrderSearch::Number(order) => Condition::all().add(of_order.eq(order.get())),
        OrderSearch::Owner(user) => Condition::all().add(shop_order::Column::UserId.eq(user.get())),
        OrderSearch::Nothing => Condition::all().add(of_order.is_null()),
        OrderSearch::Recipient(words) => words.iter().fold(Condition::all(), |all, word| {
            let orders = Entity::find().select_only().column(Column::OrderId).filter(from_prefix(Column::Word, word));
            all.add(of_order.in_subquery(orders.into_query()))
        }),
    }
}
