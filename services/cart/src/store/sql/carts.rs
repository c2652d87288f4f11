//! Carts, each a row with its contents as JSON.

use futures::future::BoxFuture;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_bus::{inbox, outbox};
use souk_sql::{Json, Tx, insert_row, row_with, update_rows};
use souk_values::{Id, Page, PageRequest, Timestamp, UserId};

use super::{SqlCartStore, insert_error, lost_race, orders, purchases, user_id, wishlists};
use crate::{
    cart::{Cart, CartCommand, Effects, Item, Lifetimes},
    store::{
        Carts, CommandContext, DueCarts, Executed, StoreError,
        entities::cart::{self, Column, Entity},
    },
};

#[async_trait::async_trait]
impl Carts for SqlCartStore {
    async fn cart(&self, user: UserId) -> Result<Cart, StoreError> {
        let row = row_with::<Entity>(&self.db.lookup(), &[(Column::UserId, user.get().into())]).await?;
        Ok(row.map_or_else(|| Cart::empty(user), |row| Cart::from_stored(user, row.version, row.contents.0)))
    }

    async fn execute(
        &self,
        user: UserId,
        command: CartCommand,
        context: CommandContext,
    ) -> Result<Executed, StoreError> {
        let cause = context.cause;
        let args = (user, command, context);
        match cause {
            // No one waits for what an event changes.
            Some(_) => self.db.write_without_hurry(args, execute_boxed).await,
            None => self.db.write(args, execute_boxed).await,
        }
    }

    async fn purchases(&self, user: UserId, request: PageRequest) -> Result<Page<Item>, StoreError> {
        Ok(purchases::page(self.db.reader(), user, request).await?)
    }

    async fn latest_purchases(&self, user: UserId, limit: u64) -> Result<Vec<Item>, StoreError> {
        Ok(purchases::latest(&self.db.lookup(), user, limit).await?)
    }

    async fn due_carts(&self, now: Timestamp, limit: u64) -> Result<DueCarts, StoreError> {
        let earliest: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .columns([Column::UserId, Column::DueAt])
            .filter(Column::DueAt.is_not_null())
            .order_by_asc(Column::DueAt)
            .limit(limit.max(1))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let next = earliest.first().map(|(_, due_at)| Timestamp::from_millis(*due_at)).filter(|due_at| *due_at > now);
        let due = earliest.into_iter().filter(|(_, due_at)| *due_at <= now.millis());
        Ok(DueCarts { users: due.map(|(user, _)| user_id(user)).collect::<Result<_, _>>()?, next })
    }

    async fn count_active_carts(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::ActiveItems.gt(0)).count(self.db.reader()).await?)
    }
}

fn execute_boxed<'t>(
    tx: &'t Tx,
    (user, command, context): &'t (UserId, CartCommand, CommandContext),
) -> BoxFuture<'t, Result<Executed, StoreError>> {
    Box::pin(execute(tx, *user, command, context))
}

async fn execute(
    tx: &Tx,
    user: UserId,
    command: &CartCommand,
    context: &CommandContext,
) -> Result<Executed, StoreError> {
    let CommandContext { now, lifetimes, stamper, cause } = context;
    let row = row_with::<Entity>(tx, &[(Column::UserId, user.get().into())]).await?;
    let stored_version = row.as_ref().map(|row| row.version);
    let stored_due_at = row.as_ref().and_then(|row| row.due_at);
    let before = row.map_or_else(|| Cart::empty(user), |row| Cart::from_stored(user, row.version, row.contents.0));
    if let Some(cause) = cause
        && !inbox::record(tx, cause.queue, cause.event_id, *now).await?
    {
        return Ok(Executed { cart: before, effects: Effects::default(), is_applied: false });
    }
    let known = match command.order_id() {
        Some(order) => orders::progress(tx, order).await?,
        None => None,
    };
    // Before the decision: a refusal rolls the removal back too.
    if let Some(product) = command.wished_product() {
        wishlists::remove(tx, user, product).await?;
    }
    let concerned = before.concerned_purchases(command);
    let before = before.with_purchases(purchases::concerned(tx, user, &concerned).await?);
    let purchases = before.purchases().to_vec();
    let applied = before.apply(command, known, *now, lifetimes)?;
    // With other lifetimes configured since, an unchanged cart is due at another time than its row has.
    let is_misplaced = stored_version.is_some() && stored_due_at != due_millis(&applied.cart, lifetimes);
    if applied.is_changed || is_misplaced {
        save_cart(tx, &applied.cart, stored_version, lifetimes).await?;
        purchases::save(tx, user, &purchases, applied.cart.purchases()).await?;
    }
    if let (Some(order), Some(progress)) = (command.order_id(), applied.progress)
        && applied.progress != known
    {
        orders::save_progress(tx, order, user, known, progress).await?;
    }
    outbox::add(tx, &applied.effects.envelopes(&applied.cart, stamper)?).await?;
    let is_applied = applied.is_changed || applied.progress != known;
    Ok(Executed { cart: applied.cart, effects: applied.effects, is_applied })
}

fn due_millis(cart: &Cart, lifetimes: &Lifetimes) -> Option<i64> {
    cart.due_at(lifetimes).map(Timestamp::millis)
}

/// Saves the cart over the row of version `stored_version`, or as a new row. An empty cart has no row.
async fn save_cart(tx: &Tx, cart: &Cart, stored_version: Option<i64>, lifetimes: &Lifetimes) -> Result<(), StoreError> {
    let row = cart::ActiveModel {
        user_id: Set(cart.user_id().get()),
        version: Set(cart.version()),
        due_at: Set(due_millis(cart, lifetimes)),
        active_items: Set(i64::try_from(cart.active_items().count()).unwrap_or(i64::MAX)),
        contents: Set(Json(cart.contents().clone())),
    };
    let Some(stored_version) = stored_version else {
        if !cart.is_empty() {
            insert_row(tx, row).await.map_err(|error| insert_error(error, "cart"))?;
        }
        return Ok(());
    };
    let user = cart.user_id().get();
    let saved = if cart.is_empty() {
        let is_unchanged = Condition::all().add(Column::UserId.eq(user)).add(Column::Version.eq(stored_version));
        Entity::delete_many().filter(is_unchanged).exec(tx).await?.rows_affected
    } else {
        let unchanged = [(Column::UserId, user.into()), (Column::Version, stored_version.into())];
        update_rows(tx, row, &unchanged).await?
    };
    if saved == 1 { Ok(()) } else { Err(lost_race("cart")) }
}
