//! Facts about the store, for `souk audit`.

use serde::Serialize;
use souk_bus::{BusError, Outbox, SqlOutbox};
use souk_events::Envelope;
use souk_sql::{Access, Db, SqlError};
use souk_values::{OrderId, UserId};

use crate::{
    cart::{Item, Standing},
    store::{redis, sql},
};

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

impl Facts {
    /// Takes one cart in.
    pub(crate) fn note(&mut self, owner: UserId, items: &[Item]) {
        self.carts += u64::from(!items.is_empty());
        self.items += u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.ordered_items.extend(items.iter().filter_map(|item| match item.standing {
            Standing::Ordered { order_id, .. } => Some((order_id, owner)),
            Standing::Active { .. } | Standing::Purchased { .. } => None,
        }));
    }

    /// All carts were taken in.
    pub(crate) fn finished(mut self) -> Self {
        self.ordered_items.sort_unstable();
        self.ordered_items.dedup();
        self
    }
}

/// Reads the facts from the store, which is opened for reading only: SQL in one snapshot, Redis in one
/// for each partition.
pub async fn read(store_url: &str) -> Result<Facts, SqlError> {
    if redis::is_redis(store_url) { redis::read_facts(store_url).await } else { sql::read_facts(store_url).await }
}

/// The events that are not published yet, oldest first. The store is opened for reading only.
pub async fn unpublished(store_url: &str) -> Result<Vec<Envelope>, BusError> {
    let all = u64::from(u32::MAX);
    if redis::is_redis(store_url) {
        return redis::open_outbox(store_url).await?.unpublished(all).await;
    }
    SqlOutbox::new(Db::open(store_url, Access::ReadOnly).await?).unpublished(all).await
}
