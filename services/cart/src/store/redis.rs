//! The store on Redis 7 or Valkey. Users are spread over partitions; one script writes everything of a user that changes
//! together: cart, index, inbox and outbox. It saves a decision only if nothing that it was based on has changed.

mod address;
mod audit;
mod carts;
mod client;
mod health;
mod index;
mod keys;
mod known_products;
mod outbox;
mod purchases;
mod save;
mod scripts;
mod wishlists;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::Serialize;
use souk_sql::{Access, ConnectionCounts, SqlError};
use souk_values::{Currency, Id, Timestamp, UserId};
use tokio::sync::{Mutex, MutexGuard, Notify};

pub(crate) use address::is_redis;
pub(crate) use audit::read_facts;
pub use health::{RedisHealth, health};
pub use outbox::RedisOutbox;

use client::RedisClient;
use keys::{Keys, PARTITIONS};

use super::{CartStore, EngineStats, StoreError};

/// Attempts to save a decision before the store counts as busy.
const MAX_ATTEMPTS: u32 = 16;
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);
/// Longest wait for a lock of [`RedisCartStore::lock`].
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Number of locks, shared by all users of this process.
const LOCKS: u16 = 256;
/// Time for which applied events are known, in memory. Shorter than in SQL: a later duplicate of an order's event is recognized by the
/// progress of that order, which is known for longer, and those of products by their revision.
const INBOX_RETENTION: Duration = Duration::from_secs(3 * 86_400);
/// Inbox entries deleted by one script.
const PURGE_BATCH: u64 = 1_000;
/// Idle time after which a relay that holds no events is removed from its group, by the server's own clock.
const RELAY_IDLE_MS: u64 = 86_400_000;

#[derive(Debug)]
pub struct RedisCartStore {
    client: Arc<RedisClient>,
    /// Currency of the prices, which are stored without one.
    currency: Currency,
    /// Wakes the relay when an event was written.
    written: Arc<Notify>,
    locks: HashMap<u16, Mutex<()>>,
}

/// Opens the store at `url` with its outbox.
///
/// Errors: an invalid URL; a server that does not respond; a server that stores carts in another number of partitions.
pub async fn open(url: &str, currency: Currency) -> Result<(RedisCartStore, RedisOutbox), SqlError> {
    open_with_partitions(url, currency, PARTITIONS).await
}

/// Opens the store with another number of partitions than this build's own, for tests.
pub async fn open_with_partitions(
    url: &str,
    currency: Currency,
    partitions: u16,
) -> Result<(RedisCartStore, RedisOutbox), SqlError> {
    let client = Arc::new(RedisClient::open(url, Access::ReadWrite, partitions).await?);
    let written = Arc::new(Notify::new());
    let outbox = RedisOutbox::new(Arc::clone(&client), Arc::clone(&written));
    let locks = (0..LOCKS).map(|number| (number, Mutex::default())).collect();
    Ok((RedisCartStore { client, currency, written, locks }, outbox))
}

/// Opens the outbox of the store at `url` read-only.
pub(crate) async fn open_outbox(url: &str) -> Result<RedisOutbox, SqlError> {
    let client = RedisClient::open(url, Access::ReadOnly, PARTITIONS).await?;
    Ok(RedisOutbox::new(Arc::new(client), Arc::default()))
}

/// A stored value that cannot be read: written by other software, or changed by hand.
fn damaged(what: &str, cause: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("{what} in Redis is damaged: {cause}"))
}

fn json(value: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError::Failed(error.to_string()))
}

/// Repeats `attempt` until it returns a value. It returns `None` when another process changed what it had read.
async fn retry<T, F>(what: &str, attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<Option<T>, StoreError>>,
{
    for number in 0..MAX_ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        // Lets the other process finish. Real time, not business logic.
        tokio::time::sleep(Duration::from_millis(1 << number.min(8)).min(LONGEST_PAUSE)).await;
    }
    Err(SqlError::Busy(format!("other processes changed this {what} first in {MAX_ATTEMPTS} attempts")).into())
}

impl RedisCartStore {
    fn keys(&self) -> &Keys {
        &self.client.keys
    }

    /// Locks the cart of `user` within this process, so that only replicas race for it. Errors: the wait was too long.
    async fn lock(&self, user: UserId) -> Result<Option<MutexGuard<'_, ()>>, SqlError> {
        let number = u16::try_from(user.get().rem_euclid(i64::from(LOCKS))).unwrap_or(0);
        let Some(lock) = self.locks.get(&number) else { return Ok(None) };
        let locked = tokio::time::timeout(LOCK_TIMEOUT, lock.lock()).await;
        locked.map(Some).map_err(|_| SqlError::Busy("other requests keep this cart locked".into()))
    }
}

#[async_trait::async_trait]
impl CartStore for RedisCartStore {
    async fn ping(&self, now: Timestamp) -> Result<EngineStats, StoreError> {
        let keyspace = Some(self.probe(now).await?);
        // One connection carries the commands of all requests concurrently.
        Ok(EngineStats { connections: ConnectionCounts { used: 1, idle: 0 }, keyspace })
    }

    async fn claim_job(&self, job: &'static str, now: Timestamp, period: Duration) -> Result<bool, StoreError> {
        let mut claim = scripts::CLAIM_JOB.prepare_invoke();
        claim.key(self.keys().job(job)).arg(now.millis());
        claim.arg(now.minus(period).millis()).arg(now.plus(period).millis());
        Ok(self.client.run(&claim).await?)
    }

    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError> {
        let before = now.minus(INBOX_RETENTION).millis();
        let mut all = 0;
        for partition in self.keys().partitions() {
            loop {
                let mut purge = scripts::PURGE.prepare_invoke();
                purge.key(self.keys().inbox(partition)).key(self.keys().outbox(partition));
                purge.arg(before).arg(PURGE_BATCH).arg(outbox::GROUP).arg(RELAY_IDLE_MS);
                let purged: u64 = self.client.run(&purge).await?;
                all += purged;
                if purged < PURGE_BATCH {
                    break;
                }
            }
        }
        Ok(all)
    }

    async fn purge_orders(&self, _now: Timestamp) -> Result<u64, StoreError> {
        // The script that saves the progress of an order deletes that of the user's old ones, and the key expires after that time.
        Ok(0)
    }
}
