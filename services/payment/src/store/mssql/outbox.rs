//! The outbox on SQL Server. Events are leased, row by row: two who hold the same do no harm, for the
//! inboxes of their readers forgive it, and a process that is killed holds them no longer than its lease.

use std::{sync::Arc, time::Duration};

use souk_bus::{BusError, Claim, Outbox, outbox::Backlog};
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{Clock, IdGen, Timestamp};
use tiberius::{Query, Row};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    cells::{count, optional_millis, text, time},
    link::Link,
    pool::Pool,
    statements,
};
use crate::store::StoreError;

/// How long a lease holds; a batch is published much sooner.
const LEASE: Duration = Duration::from_secs(30);

/// The unpublished events of a store. Cloning shares it.
#[derive(Debug, Clone)]
pub(in crate::store) struct MssqlOutbox {
    pub(super) pool: Pool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: IdGen,
    /// Woken when events were committed.
    pub(super) committed: Arc<Notify>,
}

/// What a lease is made of.
#[derive(Debug, Clone)]
struct Lease {
    id: String,
    now: Timestamp,
    limit: i64,
}

#[async_trait::async_trait]
impl Outbox for MssqlOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        // Parameters of one statement are limited, and each event is one when it is forgotten.
        let limit = i64::try_from(limit.min(1_000)).unwrap_or(1_000);
        let lease = Lease { id: self.ids.token(16), now: self.clock.now(), limit };
        let leased = self.pool.run(lease.clone(), |link, lease| Box::pin(take(link, lease))).await;
        let envelopes = leased.map_err(bus_error)?;
        Ok(Box::new(Held { pool: self.pool.clone(), lease: lease.id, envelopes, is_open: true }))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = self.pool.run(limit, |link, &limit| Box::pin(unpublished(link, limit)));
        read.await.map_err(bus_error)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let backlog = self.pool.run((), |link, ()| {
            Box::pin(async move {
                let row = link.row(Query::new(statements::BACKLOG)).await?;
                let row = row.ok_or_else(|| SqlError::Failed("a count came without a row".to_owned()))?;
                let oldest = optional_millis(&row, "oldest")?.map(Timestamp::from_millis);
                Ok(Backlog { pending: count(&row, "pending")?, oldest })
            })
        });
        backlog.await.map_err(bus_error)
    }

    async fn written(&self) {
        self.committed.notified().await;
    }
}

/// Leases the oldest events that nobody holds, in the order of their ids, which is that of time.
async fn take(link: &mut Link, Lease { id, now, limit }: &Lease) -> Result<Vec<Envelope>, StoreError> {
    let mut query = Query::new(statements::LEASE_EVENTS);
    query.bind(time(now.plus(LEASE).millis())?);
    query.bind(id.clone());
    query.bind(time(now.millis())?);
    query.bind(*limit);
    let mut leased = envelopes(&link.rows(query).await?)?;
    leased.sort_by_key(|envelope| envelope.id);
    Ok(leased)
}

/// The oldest unpublished events, held or not.
pub(super) async fn unpublished(link: &mut Link, limit: i64) -> Result<Vec<Envelope>, StoreError> {
    let mut query = Query::new(statements::UNPUBLISHED);
    query.bind(limit);
    Ok(envelopes(&link.rows(query).await?)?)
}

fn envelopes(rows: &[Row]) -> Result<Vec<Envelope>, SqlError> {
    let damaged = |error| SqlError::Failed(format!("a stored envelope cannot be read: {error}"));
    rows.iter().map(|row| serde_json::from_str(&text(row, "envelope")?).map_err(damaged)).collect()
}

/// Leased events.
struct Held {
    pool: Pool,
    lease: String,
    envelopes: Vec<Envelope>,
    is_open: bool,
}

#[async_trait::async_trait]
impl Claim for Held {
    fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    async fn confirm(mut self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let is_all = ids.len() >= self.envelopes.len();
        if !ids.is_empty() {
            self.pool.run(ids, |link, ids| Box::pin(forget(link, ids))).await.map_err(bus_error)?;
        }
        // What is left goes back when this is dropped.
        self.is_open = !is_all;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_open || self.envelopes.is_empty() {
            return;
        }
        let (pool, lease) = (self.pool.clone(), self.lease.clone());
        let release = async move {
            if let Err(error) = pool.run(lease, |link, lease| Box::pin(release(link, lease))).await {
                tracing::debug!(error = %error, "events are given back when their lease ends");
            }
        };
        // Without a runtime the process is ending, and the lease ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(release);
        }
    }
}

async fn forget(link: &mut Link, ids: &[String]) -> Result<(), StoreError> {
    let mut query = Query::new(statements::delete_events(ids.len()));
    query.bind_iter(ids.iter().cloned());
    link.change(query).await?;
    Ok(())
}

async fn release(link: &mut Link, lease: &str) -> Result<(), StoreError> {
    let mut query = Query::new(statements::RELEASE_EVENTS);
    query.bind(time(Timestamp::EPOCH.millis())?);
    query.bind(lease.to_owned());
    link.change(query).await?;
    Ok(())
}

fn bus_error(error: StoreError) -> BusError {
    BusError::Store(match error {
        StoreError::Sql(error) => error,
        StoreError::Conflict => SqlError::Busy(error.to_string()),
    })
}
