//! The outbox: events written with the change that makes them true, published after it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::Envelope;
use souk_sql::{Db, SqlError, Tx};
use souk_values::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    BusError, Transport,
    tables::outbox_event::{ActiveModel, Column, Entity, Model},
};

/// Envelopes handed to the transport at once.
const BATCH: u64 = 256;
/// How often the outbox is looked at though nobody said that something was written.
const POLL: Duration = Duration::from_secs(1);
/// The longest pause between tries while the transport is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Writes `envelopes` into the outbox, and wakes the relay once the transaction has committed.
pub async fn add(tx: &Tx, envelopes: &[Envelope]) -> Result<(), SqlError> {
    if envelopes.is_empty() {
        return Ok(());
    }
    let rows = envelopes.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    tx.wake_on_commit();
    Ok(())
}

fn row(envelope: &Envelope) -> Result<ActiveModel, SqlError> {
    Ok(ActiveModel {
        event_id: Set(envelope.id.to_string()),
        event_type: Set(envelope.event_type.clone()),
        created_at: Set(envelope.time.millis()),
        envelope: Set(serde_json::to_string(envelope).map_err(|error| SqlError::Failed(error.to_string()))?),
    })
}

/// How many events wait, and since when the oldest does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events not yet published.
    pub pending: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
}

/// Where a service's unpublished events are. SQL stores share one; a cart on Redis has its own.
#[async_trait::async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest unpublished events, at most `limit`, in the order they were written.
    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError>;
    /// Forgets events that the transport has confirmed.
    async fn confirm(&self, ids: &[Uuid]) -> Result<(), BusError>;
    /// How far behind the relay is.
    async fn backlog(&self) -> Result<Backlog, BusError>;
    /// Waits until something was written.
    async fn written(&self);
}

/// The outbox table of a SQL store.
#[derive(Debug, Clone)]
pub struct SqlOutbox(Db);

impl SqlOutbox {
    /// The outbox of `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }
}

#[async_trait::async_trait]
impl Outbox for SqlOutbox {
    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let rows = Entity::find().order_by_asc(Column::EventId).limit(limit).all(self.0.reader()).await?;
        rows.iter().map(|Model { envelope, .. }| Ok(serde_json::from_str(envelope)?)).collect()
    }

    async fn confirm(&self, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        self.0
            .write(ids, |tx, ids| {
                Box::pin(async move {
                    Entity::delete_many().filter(Column::EventId.is_in(ids.clone())).exec(tx).await?;
                    Ok::<_, SqlError>(())
                })
            })
            .await?;
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let pending = Entity::find().count(self.0.reader()).await?;
        let oldest = Entity::find().order_by_asc(Column::EventId).one(self.0.reader()).await?;
        Ok(Backlog { pending, oldest: oldest.map(|row| Timestamp::from_millis(row.created_at)) })
    }

    async fn written(&self) {
        self.0.committed().await;
    }
}

/// Publishes what `outbox` holds until `stop`: at once when something is written, and every second anyway.
pub async fn relay(
    service: &'static str,
    outbox: Arc<dyn Outbox>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut pause = Duration::ZERO;
    let mut reported: Option<Instant> = None;
    while !stop.is_cancelled() {
        pause = match publish_all(service, &*outbox, &*transport).await {
            Ok(()) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(service, error = %error, "events wait in the outbox; publishing is tried again");
                (pause * 2).clamp(Duration::from_millis(100), LONGEST_PAUSE)
            }
        };
        if reported.is_none_or(|at| at.elapsed() >= POLL) {
            report(service, &*outbox, &*clock).await;
            reported = Some(Instant::now());
        }
        // Real time on purpose: this is the pace of looking, not a term of the business.
        if pause.is_zero() {
            tokio::select! {
                () = outbox.written() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        } else {
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => {} }
        }
    }
}

/// Publishes until the outbox is empty, or the transport takes no charge of some event.
async fn publish_all(service: &'static str, outbox: &dyn Outbox, transport: &dyn Transport) -> Result<(), BusError> {
    loop {
        let batch = outbox.unpublished(BATCH).await?;
        if batch.is_empty() {
            return Ok(());
        }
        let confirmed = transport.publish(&batch).await?;
        outbox.confirm(&confirmed).await?;
        for envelope in batch.iter().filter(|envelope| confirmed.contains(&envelope.id)) {
            metrics::counter!("bus_events_total", "service" => service,
                "type" => envelope.event_type.clone(), "outcome" => "published")
            .increment(1);
        }
        if confirmed.len() < batch.len() {
            tracing::warn!(
                service,
                kept = batch.len() - confirmed.len(),
                "the transport took no charge of some events"
            );
            return Ok(());
        }
    }
}

async fn report(service: &'static str, outbox: &dyn Outbox, clock: &dyn Clock) {
    if let Ok(Backlog { pending, oldest }) = outbox.backlog().await {
        let age = oldest.map_or(Duration::ZERO, |oldest| clock.now().since(oldest));
        let pending = f64::from(u32::try_from(pending).unwrap_or(u32::MAX));
        metrics::gauge!("outbox_pending", "service" => service).set(pending);
        metrics::gauge!("outbox_oldest_seconds", "service" => service).set(age.as_secs_f64());
    }
}
