//! The outbox: events written with the change that makes them true, published after it.

mod sql;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{EntityTrait, Set};
use souk_events::Envelope;
use souk_sql::{SqlError, Tx};
use souk_values::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    BusError, Transport, pace,
    tables::outbox_event::{ActiveModel, Entity},
};

pub use sql::SqlOutbox;

/// Envelopes handed to the transport at once.
const BATCH: u64 = 256;
/// How often the outbox is looked at though nobody said that something was written.
const POLL: Duration = Duration::from_secs(1);

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
    /// Takes the oldest unpublished events, at most `limit`, in the order they were written, so that no
    /// other replica's relay publishes them at the same time where the engine can see to that.
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError>;
    /// The oldest unpublished events, claimed or not; for the audit.
    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError>;
    /// How far behind the relay is.
    async fn backlog(&self) -> Result<Backlog, BusError>;
    /// Waits until something was written.
    async fn written(&self);
}

/// Events taken for publishing. Dropping it gives them back.
#[async_trait::async_trait]
pub trait Claim: Send {
    /// The events, in the order they were written.
    fn envelopes(&self) -> &[Envelope];
    /// Forgets those that the transport has confirmed, and gives the others back.
    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError>;
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
                pace::longer(pause)
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
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = transport.recovered() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// Publishes until the outbox is empty, or the transport takes no charge of some event.
async fn publish_all(service: &'static str, outbox: &dyn Outbox, transport: &dyn Transport) -> Result<(), BusError> {
    loop {
        let claim = outbox.claim(BATCH).await?;
        let taken = claim.envelopes().len();
        if taken == 0 {
            return Ok(());
        }
        let confirmed: HashSet<Uuid> = transport.publish(claim.envelopes()).await?.into_iter().collect();
        let published = claim.envelopes().iter().filter(|envelope| confirmed.contains(&envelope.id));
        let (ids, types): (Vec<Uuid>, Vec<String>) =
            published.map(|envelope| (envelope.id, envelope.event_type.clone())).unzip();
        claim.confirm(&ids).await?;
        for event_type in types {
            metrics::counter!("bus_events_total", "service" => service, "type" => event_type, "outcome" => "published")
                .increment(1);
        }
        if ids.len() < taken {
            tracing::warn!(service, kept = taken - ids.len(), "the transport took no charge of some events");
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
