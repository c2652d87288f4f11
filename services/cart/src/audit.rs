//! Read-only views of a store, for `souk audit` and for tests.

use souk_bus::{BusError, Outbox, SqlOutbox};
use souk_events::Envelope;
use souk_sql::{Access, Db, SqlError};
use souk_values::{OrderId, UserId};

use crate::{
    cart::{Item, ItemState},
    store::{redis, sql},
};

/// Totals over a whole store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CartAuditFacts {
    /// Number of carts with at least one item.
    pub carts: u64,
    pub items: u64,
    /// Orders that have items in state `ordered`, with the owner of the cart; sorted and without duplicates.
    pub ordered_items: Vec<(OrderId, UserId)>,
    /// Number of events that are not published yet.
    pub outbox_pending: u64,
}

impl CartAuditFacts {
    pub(crate) fn add_cart(&mut self, owner: UserId, items: &[Item]) {
        self.carts += u64::from(!items.is_empty());
        self.items += u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.ordered_items.extend(items.iter().filter_map(|item| match item.state {
            ItemState::Ordered { order_id, .. } => Some((order_id, owner)),
            ItemState::Active { .. } | ItemState::Purchased { .. } => None,
        }));
    }

    pub(crate) fn sorted(mut self) -> Self {
        self.ordered_items.sort_unstable();
        self.ordered_items.dedup();
        self
    }
}

/// Reads the facts. The store is opened read-only: SQL is read in one snapshot, Redis in one for each partition.
pub async fn read(store_url: &str) -> Result<CartAuditFacts, SqlError> {
    if redis::is_redis(store_url) { redis::read_facts(store_url).await } else { sql::read_facts(store_url).await }
}

/// Returns the oldest events that are not published yet, at most `limit`. The store is opened read-only.
pub async fn unpublished(store_url: &str, limit: u64) -> Result<Vec<Envelope>, BusError> {
    if redis::is_redis(store_url) {
        return redis::open_outbox(store_url).await?.unpublished(limit).await;
    }
    SqlOutbox::new(Db::open(store_url, Access::ReadOnly).await?).unpublished(limit).await
}
