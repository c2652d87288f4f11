//! Facts about the store, for `souk audit`.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use souk_bus::{Outbox, SqlOutbox};
use souk_sql::{Access, Db, SqlError};
use souk_values::{Id, OrderId, UserId};

use crate::{
    cart::Standing,
    store::entities::cart::{Column, Entity, Model},
};

/// Carts read at once.
const BATCH: u64 = 500;

/// What is in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Carts with anything in them.
    pub carts: u64,
    /// Items in all of them, in every state.
    pub items: u64,
    /// Orders with items in state `ordered`, and whose they are.
    pub ordered_items: Vec<(OrderId, UserId)>,
    /// Events that are not published yet.
    pub outbox_pending: u64,
}

/// Reads the facts, in one snapshot of the store, which is opened for reading only.
pub async fn read(store_url: &str) -> Result<Facts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let outbox = SqlOutbox::new(db.clone()).backlog().await.map_err(|error| SqlError::Failed(error.to_string()))?;
    let snapshot = db.snapshot().await?;
    let mut facts = Facts { outbox_pending: outbox.pending, ..Facts::default() };
    let mut ordered = BTreeSet::new();
    let mut last = 0;
    loop {
        let carts = carts_after(&snapshot, last).await?;
        let Some(latest) = carts.last() else { break };
        last = latest.user_id;
        for cart in carts {
            let owner = UserId::new(cart.user_id)
                .map_err(|_| SqlError::Failed(format!("{} in the store is no user's id", cart.user_id)))?;
            let items = cart.contents.0.items();
            facts.carts += u64::from(!items.is_empty());
            facts.items += u64::try_from(items.len()).unwrap_or(u64::MAX);
            ordered.extend(items.iter().filter_map(|item| match item.standing {
                Standing::Ordered { order_id, .. } => Some((order_id, owner)),
                Standing::Active { .. } | Standing::Purchased { .. } => None,
            }));
        }
    }
    snapshot.commit().await?;
    facts.ordered_items = ordered.into_iter().collect();
    Ok(facts)
}

async fn carts_after(snapshot: &sea_orm::DatabaseTransaction, last: i64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.gt(last)).order_by_asc(Column::UserId).limit(BATCH).all(snapshot).await
}
