//! Events in the hands of this relay.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use souk_bus::{BusError, outbox::Claim};
use souk_events::Envelope;
use souk_sql::SqlError;
use uuid::Uuid;

use super::{GROUP, RedisOutbox, scripts};
use crate::store::redis::keys::Partition;

/// Claimed events; those that are not confirmed are given back when it is dropped.
#[derive(Debug)]
pub(super) struct RedisClaim {
    outbox: RedisOutbox,
    /// The entries of `envelopes`, at the same places.
    entries: Vec<(Partition, String)>,
    envelopes: Vec<Envelope>,
}

impl RedisClaim {
    pub fn nothing(outbox: RedisOutbox) -> Self {
        Self { outbox, entries: Vec::new(), envelopes: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn add(&mut self, partition: Partition, entry: String, envelope: Envelope) {
        self.entries.push((partition, entry));
        self.envelopes.push(envelope);
    }

    /// Takes over what `other` holds.
    pub fn take(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.envelopes.append(&mut other.envelopes);
    }

    async fn forget(&self, partition: Partition, ids: &[&str]) -> Result<(), SqlError> {
        let mut confirm = scripts::CONFIRM.key(self.outbox.link.keys.outbox(partition));
        confirm.arg(GROUP).arg(ids);
        let _forgotten: u64 = self.outbox.link.run(&confirm).await?;
        let mut in_hand = self.outbox.in_hand();
        let hand = in_hand.entry(partition).or_default();
        for id in ids {
            hand.held.remove(*id);
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
        let mut of_partition: BTreeMap<Partition, Vec<&str>> = BTreeMap::new();
        for ((partition, entry), envelope) in self.entries.iter().zip(&self.envelopes) {
            if ids.contains(&envelope.id) {
                of_partition.entry(*partition).or_default().push(entry);
            }
        }
        let forgetting = of_partition.iter().map(|(partition, ids)| self.forget(*partition, ids));
        let forgotten: Vec<Result<(), SqlError>> = join_all(forgetting).await;
        forgotten.into_iter().collect::<Result<(), _>>().map_err(BusError::from)
    }
}

impl Drop for RedisClaim {
    fn drop(&mut self) {
        let mut in_hand = self.outbox.in_hand();
        for (partition, id) in self.entries.drain(..) {
            let hand = in_hand.entry(partition).or_default();
            hand.has_returned |= hand.held.remove(&id);
        }
    }
}
