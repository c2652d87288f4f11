//! The outbox on SQL Server. Events are leased row by row: a process that is killed holds them no longer than its lease,
//! and an event published twice does no harm, because the inboxes of its consumers ignore the second.

use std::{sync::Arc, time::Duration};

use souk_bus::{
    BusError, Claim, Outbox, UnreadableEvent,
    outbox::{Backlog, Events},
};
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{Clock, IdGen, Timestamp};
use tiberius::Query;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    cells::{count, optional_millis, text, time},
    connection::Connection,
    pool::Pool,
    query, statements,
};
use crate::store::StoreError;

/// Duration of a lease; publishing a batch takes much less.
const LEASE: Duration = Duration::from_secs(30);

/// The unpublished events of a store. Cloning shares it.
#[derive(Debug, Clone)]
pub(in crate::store) struct MssqlOutbox {
    pub(super) pool: Pool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: IdGen,
    /// Notified after each commit of events.
    pub(super) committed: Arc<Notify>,
}

#[derive(Debug, Clone)]
struct Lease {
    id: String,
    now: Timestamp,
    limit: i64,
}

#[async_trait::async_trait]
impl Outbox for MssqlOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        // Each event is a parameter of the statement that deletes it, and a statement has at most 2,100.
        let limit = i64::try_from(limit.min(1_000)).unwrap_or(1_000);
        let lease = Lease { id: self.ids.token(16), now: self.clock.now(), limit };
        let leased = self.pool.run(lease.clone(), |connection, lease| Box::pin(take(connection, lease))).await;
        let events = leased.map_err(bus_error)?;
        Ok(Box::new(LeasedEvents { pool: self.pool.clone(), lease: lease.id, events, is_open: true }))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = self.pool.run(limit, |connection, &limit| Box::pin(unpublished(connection, limit)));
        read.await.map_err(bus_error)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let backlog = self.pool.run((), |connection, ()| {
            Box::pin(async move {
                let row = connection.row(Query::new(statements::BACKLOG)).await?;
                let row = row.ok_or_else(|| SqlError::Failed("a count returned no row".to_owned()))?;
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

/// Leases the oldest events without a lease, in the order of their ids, which is that of time.
async fn take(connection: &mut Connection, Lease { id, now, limit }: &Lease) -> Result<Events, StoreError> {
    let mut query = query(statements::LEASE_EVENTS, time(now.plus(LEASE).millis())?);
    query.bind(id.clone());
    query.bind(time(now.millis())?);
    query.bind(*limit);
    let mut leased = Events::default();
    for row in connection.rows(query).await? {
        let body = text(&row, "envelope")?;
        match serde_json::from_str(&body) {
            Ok(envelope) => leased.envelopes.push(envelope),
            Err(error) => {
                let key = text(&row, "event_id")?;
                leased.unreadable.push(UnreadableEvent { key, body, error: error.to_string() });
            }
        }
    }
    leased.envelopes.sort_by_key(|envelope| envelope.id);
    Ok(leased)
}

/// Reads the oldest unpublished events, leased or not, without those that cannot be read.
pub(super) async fn unpublished(connection: &mut Connection, limit: i64) -> Result<Vec<Envelope>, StoreError> {
    let rows = connection.rows(query(statements::UNPUBLISHED, limit)).await?;
    let bodies = rows.iter().map(|row| text(row, "envelope")).collect::<Result<Vec<_>, _>>()?;
    Ok(bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect())
}

struct LeasedEvents {
    pool: Pool,
    lease: String,
    /// The leased events, without unreadable ones that were removed.
    events: Events,
    is_open: bool,
}

#[async_trait::async_trait]
impl Claim for LeasedEvents {
    fn envelopes(&self) -> &[Envelope] {
        &self.events.envelopes
    }

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.events.unreadable
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        let keys: Vec<String> = self.events.unreadable.iter().map(|event| event.key.clone()).collect();
        if !keys.is_empty() {
            self.pool.run(keys, |connection, keys| Box::pin(delete(connection, keys))).await.map_err(bus_error)?;
            self.events.unreadable.clear();
        }
        Ok(())
    }

    async fn confirm(mut self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let is_all = ids.len() >= self.events.envelopes.len() && self.events.unreadable.is_empty();
        if !ids.is_empty() {
            self.pool.run(ids, |connection, ids| Box::pin(delete(connection, ids))).await.map_err(bus_error)?;
        }
        // The rest is released when this is dropped.
        self.is_open = !is_all;
        Ok(())
    }
}

impl Drop for LeasedEvents {
    fn drop(&mut self) {
        if !self.is_open || (self.events.envelopes.is_empty() && self.events.unreadable.is_empty()) {
            return;
        }
        let pool = self.pool.clone();
        let lease = self.lease.clone();
        let release = async move {
            if let Err(error) = pool.run(lease, |connection, lease| Box::pin(release(connection, lease))).await {
                tracing::debug!(error = %error, "events stay leased until their lease expires");
            }
        };
        // Without a runtime the process is ending, and the lease expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(release);
        }
    }
}

async fn delete(connection: &mut Connection, ids: &[String]) -> Result<(), StoreError> {
    let mut query = Query::new(statements::delete_events(ids.len()));
    query.bind_iter(ids.iter().cloned());
    connection.execute(query).await?;
    Ok(())
}

async fn release(connection: &mut Connection, lease: &str) -> Result<(), StoreError> {
    let mut query = query(statements::RELEASE_EVENTS, time(Timestamp::EPOCH.millis())?);
    query.bind(lease.to_owned());
    connection.execute(query).await?;
    Ok(())
}

fn bus_error(error: StoreError) -> BusError {
    BusError::Store(error.into())
}
