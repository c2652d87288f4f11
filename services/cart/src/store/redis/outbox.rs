//! The outbox: one stream for each partition, read by relays as one group, so that each event is in the
//! hands of one relay. Those of a relay that ended are taken over by another after a while.

mod claim;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use souk_bus::{
    BusError, Outbox,
    outbox::{Backlog, Claim},
};
use souk_events::Envelope;
use souk_sql::SqlError;
use tokio::sync::{Notify, OnceCell};

use super::{damaged, keys::Partition, link::Link, scripts};
use claim::RedisClaim;

/// The relays' group in each stream.
pub(super) const GROUP: &str = "relay";
/// How long a relay may hold an event before another takes it over. Real time of the server: a lease that
/// only saves work, for an event that is published twice has its effect once.
const TAKEN_OVER_AFTER: Duration = Duration::from_secs(10);

/// An entry of a stream; without fields when it was deleted.
type Entry = (String, Option<Vec<String>>);

/// The streams of a Redis store.
#[derive(Debug, Clone)]
pub struct RedisOutbox {
    link: Arc<Link>,
    written: Arc<Notify>,
    /// This relay's name in the group, once it was given one.
    relay: Arc<OnceCell<String>>,
    /// Which partition is asked first next time.
    next: Arc<AtomicUsize>,
    in_hand: Arc<Mutex<HashMap<Partition, InHand>>>,
    taken_over_after: Duration,
}

/// What this relay has of one stream.
#[derive(Debug, Default)]
struct InHand {
    held: HashSet<String>,
    /// Whether something was given back that this relay can read again.
    has_returned: bool,
}

impl RedisOutbox {
    pub(super) fn new(link: Arc<Link>, written: Arc<Notify>) -> Self {
        Self {
            link,
            written,
            relay: Arc::default(),
            next: Arc::default(),
            in_hand: Arc::default(),
            taken_over_after: TAKEN_OVER_AFTER,
        }
    }

    /// The same, taking over from other relays after `hold`.
    #[must_use]
    pub fn taking_over_after(self, hold: Duration) -> Self {
        Self { taken_over_after: hold, ..self }
    }

    fn in_hand(&self) -> MutexGuard<'_, HashMap<Partition, InHand>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partitions with events, another one first each time, with how many there are.
    async fn filled(&self) -> Result<Vec<(Partition, u64)>, SqlError> {
        let partitions: Vec<Partition> = self.link.keys.partitions().collect();
        let mut read = redis::pipe();
        for &partition in &partitions {
            read.cmd("XLEN").arg(self.link.keys.outbox(partition));
        }
        let lengths: Vec<u64> = self.link.pipe(&read).await?;
        let mut filled: Vec<_> = partitions.into_iter().zip(lengths).filter(|(_, length)| *length > 0).collect();
        if !filled.is_empty() {
            let first = self.next.fetch_add(1, Ordering::Relaxed) % filled.len();
            filled.rotate_left(first);
        }
        Ok(filled)
    }

    /// The oldest entries of `partitions`, at most `limit` of each.
    async fn oldest(&self, partitions: &[(Partition, u64)], limit: u64) -> Result<Vec<(Partition, Entry)>, SqlError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = redis::pipe();
        for (partition, _) in partitions {
            read.cmd("XRANGE").arg(self.link.keys.outbox(*partition)).arg("-").arg("+").arg("COUNT").arg(limit.max(1));
        }
        let entries: Vec<Vec<Entry>> = self.link.pipe(&read).await?;
        let of_each = partitions.iter().zip(entries);
        Ok(of_each.flat_map(|((partition, _), entries)| entries.into_iter().map(|entry| (*partition, entry))).collect())
    }

    /// Claims at most `count` events of one stream.
    async fn claim_of(&self, relay: &str, partition: Partition, count: usize) -> Result<RedisClaim, SqlError> {
        let own = {
            let mut in_hand = self.in_hand();
            let hand = in_hand.entry(partition).or_default();
            if std::mem::take(&mut hand.has_returned) { hand.held.len().saturating_add(count) } else { 0 }
        };
        let mut claim = scripts::CLAIM.key(self.link.keys.outbox(partition));
        let hold = u64::try_from(self.taken_over_after.as_millis()).unwrap_or(u64::MAX);
        claim.arg(GROUP).arg(relay).arg(count).arg(hold).arg(own);
        let answer: Result<Vec<Entry>, SqlError> = self.link.run(&claim).await;
        let mut in_hand = self.in_hand();
        let hand = in_hand.entry(partition).or_default();
        let entries = answer.inspect_err(|_| hand.has_returned |= own > 0)?;
        let mut claim = RedisClaim::nothing(self.clone());
        for (id, fields) in entries {
            if claim.len() == count {
                // The rest is this relay's already: it is read again.
                hand.has_returned = true;
                break;
            }
            match envelope(partition, &id, fields.as_deref()) {
                Ok(Some(envelope)) if hand.held.insert(id.clone()) => claim.add(partition, id, envelope),
                Ok(_) => {}
                // It stays in the stream for a person to look at, and keeps no other event from going.
                Err(error) => tracing::error!(error = %error, "an event cannot be published"),
            }
        }
        // There may be more of what was given back than was asked for.
        hand.has_returned |= own > 0 && claim.len() == count;
        Ok(claim)
    }

    async fn name(&self) -> Result<&str, SqlError> {
        let number = || async {
            let number: u64 = self.link.run(&scripts::RELAY.key(self.link.keys.relays())).await?;
            Ok(format!("relay-{number}"))
        };
        self.relay.get_or_try_init(number).await.map(String::as_str)
    }
}

/// The event in an entry; `None` when the entry was deleted.
fn envelope(partition: Partition, id: &str, fields: Option<&[String]>) -> Result<Option<Envelope>, SqlError> {
    let what = || format!("entry {id} of the outbox of partition {}", partition.0);
    match fields {
        None => Ok(None),
        Some([_, envelope]) => serde_json::from_str(envelope).map(Some).map_err(|error| damaged(&what(), &error)),
        Some(_) => Err(damaged(&what(), &"it does not have one field")),
    }
}

#[async_trait::async_trait]
impl Outbox for RedisOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        let mut waiting: VecDeque<Partition> =
            self.filled().await?.into_iter().map(|(partition, _)| partition).collect();
        let mut claim = RedisClaim::nothing(self.clone());
        if waiting.is_empty() {
            return Ok(Box::new(claim));
        }
        let relay = self.name().await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Each partition gets its share; what some leave is for those that have more.
        while !waiting.is_empty() && claim.len() < limit {
            let left = limit - claim.len();
            let share = (left / waiting.len()).max(1);
            let asked: Vec<Partition> = waiting.drain(..waiting.len().min(left)).collect();
            let claiming = asked.iter().map(|partition| self.claim_of(relay, *partition, share));
            // Beside a failure, all that was claimed is dropped here, and so given back.
            let claimed: Vec<RedisClaim> = join_all(claiming).await.into_iter().collect::<Result<_, _>>()?;
            for (partition, of_one) in asked.iter().zip(claimed) {
                if of_one.len() == share {
                    waiting.push_back(*partition);
                }
                claim.take(of_one);
            }
        }
        Ok(Box::new(claim))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let entries = self.oldest(&self.filled().await?, limit).await?;
        let read = entries.iter().map(|(partition, (id, fields))| envelope(*partition, id, fields.as_deref()));
        let mut envelopes: Vec<Envelope> = read.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        envelopes.sort_by_key(|envelope| envelope.id);
        envelopes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(envelopes)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let filled = self.filled().await?;
        let oldest = self.oldest(&filled, 1).await?;
        let read = oldest.iter().map(|(partition, (id, fields))| envelope(*partition, id, fields.as_deref()));
        let envelopes: Vec<Envelope> = read.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let pending = filled.iter().map(|(_, length)| length).sum();
        Ok(Backlog { pending, oldest: envelopes.iter().map(|envelope| envelope.time).min() })
    }

    async fn written(&self) {
        self.written.notified().await;
    }
}
