//! The order service's store: each method is one whole act, written with the events that it tells.

mod entities;
mod lapsing;
mod migrations;
mod rows;
mod summary;

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use souk_bus::{Stamper, inbox, outbox};
use souk_events::Envelope;
use souk_kit::extract::Idempotency;
use souk_sql::{Db, SqlError, Tx};
use souk_values::{Id, OrderId, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use crate::order::{
    Cause, Order, Status, Step, StepKind,
    transition::{Change, Input, Refusal, apply},
};

pub(crate) use entities::{order_step, shop_order};
pub use lapsing::Due;
pub(crate) use migrations::OrderMigrations;
pub(crate) use rows::{damaged, reason_text};
pub use summary::DayStep;

/// The store. Cloning shares it.
#[derive(Debug, Clone)]
pub struct OrderStore {
    db: Db,
    lapse_after: Duration,
}

/// An `Idempotency-Key` as it is kept: a digest of route and key, equal only for the very same text
/// on every engine, and the hash of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    digest: String,
    body_hash: String,
}

impl StoredKey {
    /// The key of a request to `route`.
    #[must_use]
    pub fn new(route: &str, key: &Idempotency) -> Self {
        let digest = Sha256::new().chain_update(route).chain_update("\n").chain_update(&key.key).finalize();
        let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
        Self { digest: digest.iter().fold(String::new(), hex), body_hash: key.body_hash.clone() }
    }
}

/// Which orders a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this user only.
    pub user_id: Option<UserId>,
    /// With this status only.
    pub status: Option<Status>,
}

/// An input on its way to an order.
#[derive(Debug, Clone)]
pub struct Act {
    /// To which order.
    pub order_id: OrderId,
    /// Only if it is this user's.
    pub owner: Option<UserId>,
    /// What is to happen.
    pub input: Input,
    /// By what.
    pub cause: Cause,
    /// The queue and event to be remembered with it.
    pub inbox: Option<(&'static str, Uuid)>,
    /// When.
    pub now: Timestamp,
    /// For what is told.
    pub stamper: Stamper,
}

/// What became of an [`Act`].
#[derive(Debug, Clone)]
pub enum Changed {
    /// It is on disk, with its step and its event.
    Applied(Box<Change>),
    /// The order stays as it is; why, and its status.
    Refused(Refusal, Status),
    /// This cause had its effect before.
    Repeated,
    /// There is no such order, or it is another's.
    NotFound,
}

impl OrderStore {
    /// The orders of `db`; one that is not paid is asked about `lapse_after` its `pay_by`.
    #[must_use]
    pub fn new(db: Db, lapse_after: Duration) -> Self {
        Self { db, lapse_after }
    }

    /// Adds a new order, its first step, and `created`. Errors: `Unique` when its key or id is taken.
    pub async fn place(&self, order: &Order, key: &StoredKey, cause: Cause, created: Envelope) -> Result<(), SqlError> {
        let step = rows::step_row(order, StepKind::Created, order.order_date, (cause, None));
        self.db
            .write((rows::order_row(order, key), step, created), |tx, (order, step, created)| {
                Box::pin(async move {
                    shop_order::Entity::insert(order.clone()).exec_without_returning(tx).await?;
                    order_step::Entity::insert(step.clone()).exec_without_returning(tx).await?;
                    outbox::add(tx, std::slice::from_ref(created)).await
                })
            })
            .await
    }

    /// The order that `user` placed with this key, and whether the body was the same.
    pub async fn placed_with(&self, user: UserId, key: &StoredKey) -> Result<Option<(Order, bool)>, SqlError> {
        let row = shop_order::Entity::find()
            .filter(shop_order::Column::UserId.eq(user.get()))
            .filter(shop_order::Column::IdempotencyKey.eq(&key.digest))
            .one(self.db.reader())
            .await?;
        row.map(|row| {
            let is_same = row.body_hash == key.body_hash;
            Ok((rows::order(row)?, is_same))
        })
        .transpose()
    }

    /// One order.
    pub async fn order(&self, order: OrderId) -> Result<Option<Order>, SqlError> {
        shop_order::Entity::find_by_id(order.get()).one(self.db.reader()).await?.map(rows::order).transpose()
    }

    /// A page of orders, the latest first, and how many there are in all.
    pub async fn list(&self, filter: Filter, page: PageRequest) -> Result<(Vec<Order>, u64), SqlError> {
        use shop_order::Column;
        let mut query = shop_order::Entity::find();
        if let Some(user) = filter.user_id {
            query = query.filter(Column::UserId.eq(user.get()));
        }
        if let Some(status) = filter.status {
            query = query.filter(Column::Status.eq(status.as_str()));
        }
        let total = query.clone().count(self.db.reader()).await?;
        let rows = query
            .order_by_desc(Column::OrderDate)
            .order_by_desc(Column::OrderId)
            .offset(page.offset())
            .limit(page.limit())
            .all(self.db.reader())
            .await?;
        Ok((rows.into_iter().map(rows::order).collect::<Result<_, _>>()?, total))
    }

    /// The steps of `order` after number `after`, in their order.
    pub async fn steps(&self, order: OrderId, after: i64) -> Result<Vec<Step>, SqlError> {
        use order_step::Column;
        let rows = order_step::Entity::find()
            .filter(Column::OrderId.eq(order.get()))
            .filter(Column::Number.gt(after))
            .order_by_asc(Column::Number)
            .all(self.db.reader())
            .await?;
        rows.into_iter().map(rows::step).collect()
    }

    /// Whether `order` has a step of `cause`.
    pub async fn has_step(&self, order: OrderId, cause: Cause) -> Result<bool, SqlError> {
        use order_step::Column;
        let found = order_step::Entity::find()
            .filter(Column::OrderId.eq(order.get()))
            .filter(Column::Cause.eq(cause.to_string()))
            .one(self.db.reader())
            .await?;
        Ok(found.is_some())
    }

    /// How many orders placed before `before` still wait for their stock.
    pub async fn stuck(&self, before: Timestamp) -> Result<u64, SqlError> {
        use shop_order::Column;
        let stuck = shop_order::Entity::find()
            .filter(Column::Status.eq(Status::Created.as_str()))
            .filter(Column::OrderDate.lt(before.millis()))
            .count(self.db.reader())
            .await?;
        Ok(stuck)
    }

    /// Does what `act` says, if the order's state allows it: order, step, event and inbox together.
    pub async fn change(&self, act: Act) -> Result<Changed, SqlError> {
        let lapse_after = self.lapse_after;
        let changed = self.db.write(act, move |tx, act| Box::pin(change(tx, act, lapse_after))).await;
        match changed {
            // The order has a step of this cause already.
            Err(SqlError::Unique(_)) => Ok(Changed::Repeated),
            changed => changed,
        }
    }
}

/// Notes the causing event as received, if an event it is. False: it was before.
async fn receive(tx: &Tx, act: &Act) -> Result<bool, SqlError> {
    match act.inbox {
        Some((queue, event)) => inbox::first_time(tx, queue, event, act.now).await,
        None => Ok(true),
    }
}

async fn change(tx: &Tx, act: &Act, lapse_after: Duration) -> Result<Changed, SqlError> {
    let row = shop_order::Entity::find_by_id(act.order_id.get()).one(tx).await?;
    let Some(order) = row.map(rows::order).transpose()? else { return Ok(Changed::NotFound) };
    if act.owner.is_some_and(|owner| owner != order.user_id) {
        return Ok(Changed::NotFound);
    }
    let change = match apply(&order, &act.input, act.now) {
        Ok(change) => change,
        // Not remembered as received: an event that is wrong is looked at again, and in the end by a person.
        Err(refusal) if refusal != Refusal::NothingToDo => return Ok(Changed::Refused(refusal, order.status())),
        Err(refusal) => {
            let is_first = receive(tx, act).await?;
            return Ok(if is_first { Changed::Refused(refusal, order.status()) } else { Changed::Repeated });
        }
    };
    if !receive(tx, act).await? {
        return Ok(Changed::Repeated);
    }
    let saved = shop_order::Entity::update_many()
        .set(rows::changed_columns(&change.order, lapse_after))
        .filter(shop_order::Column::OrderId.eq(order.order_id.get()))
        .filter(shop_order::Column::Version.eq(order.version))
        .exec(tx)
        .await?;
    if saved.rows_affected == 0 {
        // Another replica was faster; the transaction runs again and decides anew.
        return Err(SqlError::Busy(format!("order {} has another version by now", order.order_id)));
    }
    let step = rows::step_row(&change.order, change.step, change.at, (act.cause, change.detail.clone()));
    order_step::Entity::insert(step).exec_without_returning(tx).await?;
    if let Some(told) = &change.told {
        let envelope = told.stamped(&act.stamper).map_err(|error| SqlError::Failed(error.to_string()))?;
        outbox::add(tx, &[envelope]).await?;
    }
    Ok(Changed::Applied(Box::new(change)))
}
