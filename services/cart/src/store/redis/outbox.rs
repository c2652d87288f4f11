//! The outbox: a stream for each partition. Relays read it as one consumer group, so that each event is claimed by one of
//! them. Events claimed by a relay that has ended are taken over when their lease has expired.

mod claim;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use parking_lot::Mutex;
use souk_bus::{
    BusError, Outbox, UnreadableEvent,
    outbox::{Backlog, Claim},
};
use souk_events::Envelope;
use souk_sql::SqlError;
use tokio::sync::{Notify, OnceCell};

use super::{client::RedisClient, damaged, keys::Partition, scripts};
use claim::RedisClaim;

/// Name of the relays' consumer group in each stream.
pub(super) const GROUP: &str = "relay";
/// Time that a relay may hold a claimed event before another takes it over, by the server's own clock. The lease only
/// saves work: an event that is published twice has its effect once.
const LEASE: Duration = Duration::from_secs(10);

/// Id and fields of a stream's entry; without fields when it was deleted.
type Entry = (String, Option<Vec<String>>);

#[derive(Debug, Clone)]
pub struct RedisOutbox {
    client: Arc<RedisClient>,
    written: Arc<Notify>,
    /// Name of this relay in the group, given at the first claim.
    relay: Arc<OnceCell<String>>,
    /// Number of claims so far: each begins with another partition, so that none is starved.
    claims: Arc<AtomicUsize>,
    held: Arc<Mutex<HashMap<Partition, Held>>>,
    lease: Duration,
}

/// Entries of one stream that this relay has claimed.
#[derive(Debug, Default)]
struct Held {
    /// Ids of the entries in a [`RedisClaim`] that still exists.
    ids: HashSet<String>,
    /// True when entries were given back, which this relay can read again without a takeover.
    has_returned: bool,
}

impl RedisOutbox {
    pub(super) fn new(client: Arc<RedisClient>, written: Arc<Notify>) -> Self {
        Self { client, written, relay: Arc::default(), claims: Arc::default(), held: Arc::default(), lease: LEASE }
    }

    /// Returns the same outbox with another lease, for tests.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Returns the partitions with events and the number of their events, beginning with another one each time.
    async fn non_empty(&self) -> Result<Vec<(Partition, u64)>, SqlError> {
        let partitions: Vec<Partition> = self.client.keys.partitions().collect();
        let mut read = redis::pipe();
        for &partition in &partitions {
            read.cmd("XLEN").arg(self.client.keys.outbox(partition));
        }
        let lengths: Vec<u64> = self.client.pipe(&read).await?;
        let mut non_empty: Vec<_> = partitions.into_iter().zip(lengths).filter(|(_, length)| *length > 0).collect();
        if !non_empty.is_empty() {
            let first = self.claims.fetch_add(1, Ordering::Relaxed) % non_empty.len();
            non_empty.rotate_left(first);
        }
        Ok(non_empty)
    }

    /// Returns the oldest events of `partitions`, at most `limit` of each.
    async fn oldest(&self, partitions: &[(Partition, u64)], limit: u64) -> Result<Vec<Envelope>, SqlError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = redis::pipe();
        for (partition, _) in partitions {
            let stream = self.client.keys.outbox(*partition);
            read.cmd("XRANGE").arg(stream).arg("-").arg("+").arg("COUNT").arg(limit.max(1));
        }
        let streams: Vec<Vec<Entry>> = self.client.pipe(&read).await?;
        let mut envelopes = Vec::new();
        for ((partition, _), entries) in partitions.iter().zip(streams) {
            for (id, fields) in entries {
                // The relay moves an unreadable event to the dead letters.
                envelopes.extend(envelope(*partition, &id, fields.as_deref()).ok().flatten());
            }
        }
        Ok(envelopes)
    }

    /// Claims up to `count` events of one stream.
    async fn claim_from(&self, relay: &str, partition: Partition, count: usize) -> Result<RedisClaim, SqlError> {
        let reread = {
            let mut held = self.held.lock();
            let held = held.entry(partition).or_default();
            if std::mem::take(&mut held.has_returned) { held.ids.len().saturating_add(count) } else { 0 }
        };
        let mut claim = scripts::CLAIM.key(self.client.keys.outbox(partition));
        let lease_ms = u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX);
        claim.arg(GROUP).arg(relay).arg(count).arg(lease_ms).arg(reread);
        let entries: Result<Vec<Entry>, SqlError> = self.client.run(&claim).await;
        let mut held = self.held.lock();
        let held = held.entry(partition).or_default();
        let entries = entries.inspect_err(|_| held.has_returned |= reread > 0)?;
        let mut claim = RedisClaim::empty(self.clone());
        for (id, fields) in entries {
            if claim.len() == count {
                // The rest is claimed by this relay already, and is read again by its next claim.
                held.has_returned = true;
                break;
            }
            match envelope(partition, &id, fields.as_deref()) {
                Ok(Some(envelope)) if held.ids.insert(id.clone()) => claim.add(partition, id, envelope),
                Err(error) if held.ids.insert(id.clone()) => {
                    let body = fields.unwrap_or_default().join(" ");
                    claim.add_unreadable(partition, UnreadableEvent { key: id, body, error: error.to_string() });
                }
                Ok(_) | Err(_) => {}
            }
        }
        // More entries may have been given back than this claim had room for.
        held.has_returned |= reread > 0 && claim.len() == count;
        Ok(claim)
    }

    /// Returns the name of this relay in the group, numbering the relay first if it has none.
    async fn relay_name(&self) -> Result<&str, SqlError> {
        let number_relay = || async {
            let number: u64 = self.client.run(&scripts::NUMBER_RELAY.key(self.client.keys.relays())).await?;
            Ok(format!("relay-{number}"))
        };
        self.relay.get_or_try_init(number_relay).await.map(String::as_str)
    }
}

/// Returns the event of an entry; `None` when the entry was deleted.
fn envelope(partition: Partition, id: &str, fields: Option<&[String]>) -> Result<Option<Envelope>, SqlError> {
    let what = || format!("entry {id} of the outbox of partition {}", partition.0);
    match fields {
        None => Ok(None),
        Some([_, envelope]) => serde_json::from_str(envelope).map(Some).map_err(|error| damaged(&what(), &error)),
        Some(_) => Err(damaged(&what(), &"it does not have exactly one field")),
    }
}

#[async_trait::async_trait]
impl Outbox for RedisOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        let mut waiting: VecDeque<Partition> =
            self.non_empty().await?.into_iter().map(|(partition, _)| partition).collect();
        let mut claim = RedisClaim::empty(self.clone());
        if waiting.is_empty() {
            return Ok(Box::new(claim));
        }
        let relay = self.relay_name().await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Each partition gets an equal share; what some leave goes to those that have more.
        while !waiting.is_empty() && claim.len() < limit {
            let left = limit - claim.len();
            let share = (left / waiting.len()).max(1);
            let round: Vec<Partition> = waiting.drain(..waiting.len().min(left)).collect();
            let claiming = round.iter().map(|partition| self.claim_from(relay, *partition, share));
            // If one fails, the claims of the others are dropped here, which gives their events back.
            let claimed: Vec<RedisClaim> = join_all(claiming).await.into_iter().collect::<Result<_, _>>()?;
            for (partition, of_one) in round.iter().zip(claimed) {
                if of_one.len() == share {
                    waiting.push_back(*partition);
                }
                claim.append(of_one);
            }
        }
        Ok(Box::new(claim))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let mut envelopes = self.oldest(&self.non_empty().await?, limit).await?;
        envelopes.sort_by_key(|envelope| envelope.id);
        envelopes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(envelopes)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let non_empty = self.non_empty().await?;
        let oldest = self.oldest(&non_empty, 1).await?;
        let pending = non_empty.iter().map(|(_, length)| length).sum();
        Ok(Backlog { pending, oldest: oldest.iter().map(|envelope| envelope.time).min() })
    }

    async fn written(&self) {
        self.written.notified().await;
    }
}
