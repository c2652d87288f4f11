//! Events claimed by this relay.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use souk_bus::{
    BusError, UnreadableEvent,
    outbox::{Claim, Events},
};
use souk_events::Envelope;
use souk_sql::SqlError;
use uuid::Uuid;

use super::{GROUP, RedisOutbox, scripts};
use crate::store::redis::keys::Partition;

/// Claimed events. Those that were not confirmed are given back when the claim is dropped.
#[derive(Debug)]
pub(super) struct RedisClaim {
    outbox: RedisOutbox,
    events: Events,
    /// Partition and id of the entries of `events.envelopes`, in the same order.
    entries: Vec<(Partition, String)>,
    /// Partitions of `events.unreadable`, in the same order. The key of such an event is the id of its entry.
    unreadable_in: Vec<Partition>,
}

impl RedisClaim {
    pub fn empty(outbox: RedisOutbox) -> Self {
        Self { outbox, events: Events::default(), entries: Vec::new(), unreadable_in: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len() + self.unreadable_in.len()
    }

    pub fn add(&mut self, partition: Partition, entry: String, envelope: Envelope) {
        self.entries.push((partition, entry));
        self.events.envelopes.push(envelope);
    }

    pub fn add_unreadable(&mut self, partition: Partition, event: UnreadableEvent) {
        self.unreadable_in.push(partition);
        self.events.unreadable.push(event);
    }

    /// Moves the events of `other` into this claim.
    pub fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.events.envelopes.append(&mut other.events.envelopes);
        self.unreadable_in.append(&mut other.unreadable_in);
        self.events.unreadable.append(&mut other.events.unreadable);
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
        &self.events.envelopes
    }

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.events.unreadable
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        for (partition, event) in self.unreadable_in.iter().zip(&self.events.unreadable) {
            self.delete(*partition, &[event.key.as_str()]).await?;
        }
        Ok(())
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: HashSet<&Uuid> = ids.iter().collect();
        let mut by_partition: BTreeMap<Partition, Vec<&str>> = BTreeMap::new();
        for ((partition, entry), envelope) in self.entries.iter().zip(&self.events.envelopes) {
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
        let keys = self.events.unreadable.drain(..).map(|event| event.key);
        let unreadable = self.unreadable_in.drain(..).zip(keys);
        for (partition, id) in self.entries.drain(..).chain(unreadable) {
            let held = held.entry(partition).or_default();
            held.has_returned |= held.ids.remove(&id);
        }
    }
}
