//! One act on one cart, in one transaction with its inbox and outbox rows.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Set};
use souk_bus::{inbox, outbox};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, UserId};

use super::{damaged, raced, raced_if_there, wishes};
use crate::{
    cart::{Act, Cart, Effects, OrderMark, Stage, Terms},
    store::{Done, Occasion, StoreError, entities::cart, entities::known_order},
};

pub(super) async fn perform(tx: &Tx, user: UserId, act: &Act, occasion: &Occasion) -> Result<Done, StoreError> {
    let Occasion { now, terms, stamper, cause } = occasion;
    let row = cart::Entity::find_by_id(user.get()).one(tx).await?;
    let known = row.map(|row| (row.version, row.due_at, row.contents.0));
    let (at, due_at) = known.as_ref().map_or((None, None), |(version, due_at, _)| (Some(*version), *due_at));
    let before = known.map_or_else(|| Cart::empty(user), |(version, _, contents)| Cart::kept(user, version, contents));
    if let Some(cause) = cause
        && !inbox::first_time(tx, cause.queue, cause.event_id, *now).await?
    {
        return Ok(Done { cart: before, effects: Effects::default(), is_applied: false });
    }
    let mark = match act.order_id() {
        Some(order) => mark(tx, order).await?,
        None => None,
    };
    if let Some(product) = act.wished() {
        wishes::remove(tx, user, product).await?;
    }
    let after = before.after(act, mark, *now, terms)?;
    if after.is_changed {
        save(tx, &after.cart, at, terms).await?;
    } else if due_at != millis(&after.cart, terms) && at.is_some() {
        // The terms were configured anew: the row is due at another time than it says.
        save(tx, &after.cart, at, terms).await?;
    }
    if let (Some(order), Some(new)) = (act.order_id(), after.mark)
        && after.mark != mark
    {
        save_mark(tx, order, user, mark, new).await?;
    }
    outbox::add(tx, &after.effects.envelopes(&after.cart, stamper)?).await?;
    let is_applied = after.is_changed || after.mark != mark;
    Ok(Done { cart: after.cart, effects: after.effects, is_applied })
}

fn millis(cart: &Cart, terms: &Terms) -> Option<i64> {
    cart.due_at(terms).map(souk_values::Timestamp::millis)
}

/// Saves the cart over the row of version `at`, or as a new row. An empty cart has no row.
async fn save(tx: &Tx, cart: &Cart, at: Option<i64>, terms: &Terms) -> Result<(), StoreError> {
    let row = cart::ActiveModel {
        user_id: Set(cart.user_id().get()),
        version: Set(cart.version()),
        due_at: Set(millis(cart, terms)),
        active_items: Set(i64::try_from(cart.active().count()).unwrap_or(i64::MAX)),
        contents: Set(cart::Stored(cart.contents().clone())),
    };
    let Some(at) = at else {
        if !cart.is_empty() {
            let inserted = cart::Entity::insert(row).exec_without_returning(tx).await;
            inserted.map_err(|error| raced_if_there(error, "cart"))?;
        }
        return Ok(());
    };
    let is_same = Condition::all().add(cart::Column::UserId.eq(cart.user_id().get())).add(cart::Column::Version.eq(at));
    let saved = if cart.is_empty() {
        cart::Entity::delete_many().filter(is_same).exec(tx).await?.rows_affected
    } else {
        cart::Entity::update_many().set(row).filter(is_same).exec(tx).await?.rows_affected
    };
    if saved == 1 { Ok(()) } else { Err(raced("cart")) }
}

async fn mark(tx: &Tx, order: OrderId) -> Result<Option<OrderMark>, SqlError> {
    let Some(row) = known_order::Entity::find_by_id(order.get()).one(tx).await? else { return Ok(None) };
    let stage = match row.stage {
        0 => Stage::Placed,
        1 => Stage::Paid,
        2 => Stage::Cancelled,
        other => return Err(damaged("stage of an order", other)),
    };
    Ok(Some(OrderMark { version: row.version, stage }))
}

async fn save_mark(
    tx: &Tx,
    order: OrderId,
    user: UserId,
    old: Option<OrderMark>,
    new: OrderMark,
) -> Result<(), StoreError> {
    let stage = match new.stage {
        Stage::Placed => 0,
        Stage::Paid => 1,
        Stage::Cancelled => 2,
    };
    let row = known_order::ActiveModel {
        order_id: Set(order.get()),
        user_id: Set(user.get()),
        version: Set(new.version),
        stage: Set(stage),
    };
    let Some(old) = old else {
        let inserted = known_order::Entity::insert(row).exec_without_returning(tx).await;
        inserted.map_err(|error| raced_if_there(error, "order"))?;
        return Ok(());
    };
    // A mark only changes together with its version, or with a stage that grows.
    let is_same = Condition::all()
        .add(known_order::Column::OrderId.eq(order.get()))
        .add(known_order::Column::Version.eq(old.version))
        .add(known_order::Column::Stage.lte(stage));
    let saved = known_order::Entity::update_many().set(row).filter(is_same).exec(tx).await?.rows_affected;
    if saved == 1 { Ok(()) } else { Err(raced("order")) }
}
