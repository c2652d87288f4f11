//! The order service's store: each method is one transaction, which also writes the events to publish.

mod cart_lines;
mod entities;
mod lapsing;
mod migrations;
mod recipient_words;
mod rows;
mod summary;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use souk_bus::{Cause, Stamper, inbox, outbox};
use souk_events::Envelope;
use souk_kit::extract::Idempotency;
use souk_sql::{Db, SqlError, Tx, insert_row, newest_page, row_with, update_rows};
use souk_values::{Id, OrderId, Page, PageRequest, Timestamp, UserId};

use crate::order::{
    Deadlines, Order, OrderStatus, Step, StepCause, StepKind,
    transition::{self, Change, Input, Refusal},
};

pub(crate) use entities::{order_step, shop_order};
pub(crate) use lapsing::DueOrder;
pub(crate) use migrations::Migrations;
pub(crate) use recipient_words::OrderSearch;
pub(crate) use rows::{damaged, reason_text};
pub(crate) use summary::DayStep;

/// Cloning shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct OrderStore {
    db: Db,
    deadlines: Deadlines,
}

/// An `Idempotency-Key` as it is stored: as a digest, since engines differ in how they compare text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredKey {
    digest: String,
    body_hash: String,
}

impl StoredKey {
    /// `route` is the method and path that the key belongs to.
    pub(crate) fn new(route: &str, key: &Idempotency) -> Self {
        Self { digest: key.digest(&format!("{route}\n")), body_hash: key.body_hash.clone() }
    }
}

/// Filter of a list; `None` matches every order.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderFilter {
    pub(crate) search: Option<OrderSearch>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) status: Option<OrderStatus>,
    /// Earliest time at which the order was placed.
    pub(crate) from: Option<Timestamp>,
    /// First time that is too late.
    pub(crate) before: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct OrderAct {
    pub(crate) order_id: OrderId,
    /// User who must own the order; `None` when anyone may act on it.
    pub(crate) owner: Option<UserId>,
    pub(crate) input: Input,
    pub(crate) cause: StepCause,
    /// Received event to record in the inbox; `None` for requests and deadlines.
    pub(crate) inbox: Option<Cause>,
}

#[derive(Debug, Clone)]
pub(crate) enum ActOutcome {
    /// The change is stored, with its step and its event.
    Applied(Box<Change>),
    /// The order of this status refused the act and is unchanged.
    Refused(Refusal, OrderStatus),
    /// The same cause took effect before.
    Repeated,
    /// The order does not exist or belongs to another user.
    NotFound,
}

impl OrderStore {
    pub(crate) fn new(db: Db, deadlines: Deadlines) -> Self {
        Self { db, deadlines }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Inserts a new order with its first step and the event `created`.
    ///
    /// Errors: `Unique` if its key or id is taken, or a cart line belongs to another order that is not cancelled.
    pub(crate) async fn place(
        &self,
        order: &Order,
        key: &StoredKey,
        cause: StepCause,
        created: Envelope,
    ) -> Result<(), SqlError> {
        let step = rows::step_row(order, StepKind::Created, order.order_date, cause, None);
        let order_row = rows::order_row(order, key, self.deadlines);
        let belonging = (rows::cart_line_rows(order), recipient_words::rows(order));
        self.db
            .write((order_row, belonging, step, created), |tx, (order, (lines, words), step, created)| {
                Box::pin(async move {
                    insert_row(tx, order.clone()).await?;
                    cart_lines::take(tx, lines).await?;
                    recipient_words::insert(tx, words).await?;
                    insert_row(tx, step.clone()).await?;
                    outbox::add(tx, std::slice::from_ref(created)).await
                })
            })
            .await
    }

    /// Returns the order that `user` placed with this key, and true if its body was the same.
    pub(crate) async fn placed_with(&self, user: UserId, key: &StoredKey) -> Result<Option<(Order, bool)>, SqlError> {
        use shop_order::Column;
        let placed = [(Column::UserId, user.get().into()), (Column::IdempotencyKey, key.digest.as_str().into())];
        let row = row_with::<shop_order::Entity>(&self.db.lookup(), &placed).await?;
        row.map(|row| {
            let is_same = row.body_hash == key.body_hash;
            Ok((rows::order(row)?, is_same))
        })
        .transpose()
    }

    pub(crate) async fn order(&self, order: OrderId) -> Result<Option<Order>, SqlError> {
        let key = [(shop_order::Column::OrderId, order.get().into())];
        row_with::<shop_order::Entity>(&self.db.lookup(), &key).await?.map(rows::order).transpose()
    }

    /// Returns a page of orders, newest first.
    pub(crate) async fn list(&self, filter: OrderFilter, page: PageRequest) -> Result<Page<Order>, SqlError> {
        use shop_order::Column;
        let mut query = shop_order::Entity::find();
        if let Some(search) = &filter.search {
            query = query.filter(recipient_words::condition(search));
        }
        if let Some(user) = filter.user_id {
            query = query.filter(Column::UserId.eq(user.get()));
        }
        if let Some(status) = filter.status {
            query = query.filter(Column::Status.eq(status.as_str()));
        }
        if let Some(from) = filter.from {
            query = query.filter(Column::OrderDate.gte(from.millis()));
        }
        if let Some(before) = filter.before {
            query = query.filter(Column::OrderDate.lt(before.millis()));
        }
        let found = newest_page(self.db.reader(), query, &[Column::OrderDate, Column::OrderId], page).await?;
        found.try_map(rows::order)
    }

    /// Returns the steps of `order` whose number is above `after`, oldest first.
    pub(crate) async fn steps(&self, order: OrderId, after: i64) -> Result<Vec<Step>, SqlError> {
        use order_step::Column;
        let rows = order_step::Entity::find()
            .filter(Column::OrderId.eq(order.get()))
            .filter(Column::Number.gt(after))
            .order_by_asc(Column::Number)
            .all(&self.db.lookup())
            .await?;
        rows.into_iter().map(rows::step).collect()
    }

    pub(crate) async fn has_step(&self, order: OrderId, cause: StepCause) -> Result<bool, SqlError> {
        use order_step::Column;
        let found = order_step::Entity::find()
            .filter(Column::OrderId.eq(order.get()))
            .filter(Column::Cause.eq(cause.to_string()))
            .one(&self.db.lookup())
            .await?;
        Ok(found.is_some())
    }

    /// Counts the orders placed before `before` that still wait for their stock.
    pub(crate) async fn count_stuck(&self, before: Timestamp) -> Result<u64, SqlError> {
        use shop_order::Column;
        let stuck = shop_order::Entity::find()
            .filter(Column::Status.eq(OrderStatus::Created.as_str()))
            .filter(Column::OrderDate.lt(before.millis()))
            .count(self.db.reader())
            .await?;
        Ok(stuck)
    }

    /// Applies `act` if the order's state allows it, and saves order, step, event and inbox row together.
    pub(crate) async fn apply(&self, act: OrderAct, now: Timestamp, stamper: Stamper) -> Result<ActOutcome, SqlError> {
        let deadlines = self.deadlines;
        let outcome = self
            .db
            .write((act, now, stamper), move |tx, (act, now, stamper)| {
                Box::pin(apply(tx, act, *now, stamper, deadlines))
            })
            .await;
        match outcome {
            // The unique index on (order, cause): the step was inserted before.
            Err(SqlError::Unique(_)) => Ok(ActOutcome::Repeated),
            outcome => outcome,
        }
    }
}

async fn apply(
    tx: &Tx,
    act: &OrderAct,
    now: Timestamp,
    stamper: &Stamper,
    deadlines: Deadlines,
) -> Result<ActOutcome, SqlError> {
    let key = [(shop_order::Column::OrderId, act.order_id.get().into())];
    let row = row_with::<shop_order::Entity>(tx, &key).await?;
    let Some(order) = row.map(rows::order).transpose()? else { return Ok(ActOutcome::NotFound) };
    if act.owner.is_some_and(|owner| owner != order.user_id) {
        return Ok(ActOutcome::NotFound);
    }
    let change = match transition::apply(&order, &act.input, now) {
        Ok(change) => change,
        // Left out of the inbox: a wrong event is redelivered, and in the end is a dead letter for a person to decide on.
        Err(refusal) if refusal != Refusal::NothingToDo => return Ok(ActOutcome::Refused(refusal, order.status())),
        Err(refusal) => {
            let is_first = record_received(tx, act.inbox, now).await?;
            return Ok(if is_first { ActOutcome::Refused(refusal, order.status()) } else { ActOutcome::Repeated });
        }
    };
    if !record_received(tx, act.inbox, now).await? {
        return Ok(ActOutcome::Repeated);
    }
    let [order_id] = key;
    let unchanged = [order_id, (shop_order::Column::Version, order.version.into())];
    if update_rows(tx, rows::changed_columns(&change.order, deadlines), &unchanged).await? == 0 {
        // Another replica changed the order since it was read: `Busy` runs the transaction again on the new version.
        return Err(SqlError::Busy(format!("order {} was changed concurrently", order.order_id)));
    }
    if change.step == StepKind::Cancelled {
        cart_lines::free(tx, order.order_id).await?;
    }
    let step = rows::step_row(&change.order, change.step, change.at, act.cause, change.detail.clone());
    insert_row(tx, step).await?;
    if let Some(event) = &change.event {
        let envelope = event.stamped(stamper).map_err(|error| SqlError::Failed(error.to_string()))?;
        outbox::add(tx, &[envelope]).await?;
    }
    Ok(ActOutcome::Applied(Box::new(change)))
}

/// Records a received event in the inbox. Returns false if it was there before.
async fn record_received(tx: &Tx, event: Option<Cause>, now: Timestamp) -> Result<bool, SqlError> {
    match event {
        Some(Cause { queue, event_id }) => inbox::record(tx, queue, event_id, now).await,
        None => Ok(true),
    }
}
