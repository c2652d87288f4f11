//! Events claimed by this relay.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use souk_bus::{BusError, outbox::Claim};
use souk_events::Envelope;
use souk_sql::SqlError;
use uuid::Uuid;

use super::{GROUP, RedisOutbox, scripts};
use crate::store::redis::keys::Partition;

/// Claimed events. Those that were not confirmed are given back when the claim is dropped.
#[derive(Debug)]
pub(super) struct RedisClaim {
    outbox: RedisOutbox,
    /// Partition and id of the entries of `envelopes`, in the same order.
    entries: Vec<(Partition, String)>,
    envelopes: Vec<Envelope>,
}

impl RedisClaim {
    pub fn empty(outbox: RedisOutbox) -> Self {
        Self { outbox, entries: Vec::new(), envelopes: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn add(&mut self, partition: Partition, entry: String, envelope: Envelope) {
        self.entries.push((partition, entry));
        self.envelopes.push(envelope);
    }

    /// Moves the events of `other` into this claim.
    pub fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.envelopes.append(&mut other.envelopes);
    }

    /// Deletes published entries of one partition.
    async fn delete(&self, partition: Partition, ids: &[&str]) -> Result<(), SqlError> {
        let mut confirm = scripts::CONFIRM.key(self.outbox.client.keys.outbox(partition));
        confirm.arg(GROUP).arg(ids);
        let _deleted: u64 = self.outbox.client.run(&confirm).await?;
        let mut held = self.outbox.held.lock();
        let held = held.entry(partition).or_default();
        for id in ids {
            held.ids.remove(*id);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Claim for RedisClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: HashSet<&Uuid> = ids.iter().collect();
        let mut by_partition: BTreeMap<Partition, Vec<&str>> = BTreeMap::new();
        for ((partition, entry), envelope) in self.entries.iter().zip(&self.envelopes) {
            if ids.contains(&envelope.id) {
                by_partition.entry(*partition).or_default().push(entry);
            }
        }
        let deleting = by_partition.iter().map(|(partition, ids)| self.delete(*partition, ids));
        let deleted: Vec<Result<(), SqlError>> = join_all(deleting).await;
        deleted.into_iter().collect::<Result<(), _>>().map_err(BusError::from)
    }
}

impl Drop for RedisClaim {
    fn drop(&mut self) {
        let mut held = self.outbox.held.lock();
        for (partition, id) in self.entries.drain(..) {
            let held = held.entry(partition).or_default();
            held.has_returned |= held.ids.remove(&id);
        }
    }
}
