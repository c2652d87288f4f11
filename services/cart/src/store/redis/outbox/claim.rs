//! Events claimed by this relay.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use souk_bus::{BusError, UnreadableEvent, outbox::Claim};
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
    unreadable: Vec<UnreadableEntry>,
    /// The texts of `unreadable`, in the same order.
    unreadable_events: Vec<UnreadableEvent>,
}

/// An entry that is no event.
#[derive(Debug)]
pub(super) struct UnreadableEntry {
    pub partition: Partition,
    pub id: String,
}

impl RedisClaim {
    pub fn empty(outbox: RedisOutbox) -> Self {
        Self {
            outbox,
            entries: Vec::new(),
            envelopes: Vec::new(),
            unreadable: Vec::new(),
            unreadable_events: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len() + self.unreadable.len()
    }

    pub fn add(&mut self, partition: Partition, entry: String, envelope: Envelope) {
        self.entries.push((partition, entry));
        self.envelopes.push(envelope);
    }

    /// Adds an entry that is no event.
    pub fn add_unreadable(&mut self, entry: UnreadableEntry, event: UnreadableEvent) {
        self.unreadable.push(entry);
        self.unreadable_events.push(event);
    }

    /// Moves the events of `other` into this claim.
    pub fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.envelopes.append(&mut other.envelopes);
        self.unreadable.append(&mut other.unreadable);
        self.unreadable_events.append(&mut other.unreadable_events);
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

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.unreadable_events
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        for UnreadableEntry { partition, id } in &self.unreadable {
            self.delete(*partition, &[id.as_str()]).await?;
        }
        Ok(())
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
        let unreadable = self.unreadable.drain(..).map(|entry| (entry.partition, entry.id));
        for (partition, id) in self.entries.drain(..).chain(unreadable) {
            let held = held.entry(partition).or_default();
            held.has_returned |= held.ids.remove(&id);
        }
    }
}
