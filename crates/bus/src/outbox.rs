//! The outbox: events that a service writes in the transaction that makes them true, and publishes after its commit.

use std::sync::Arc;

use sea_orm::{EntityTrait, Set};
use souk_events::Envelope;
pub use souk_events::outbox_of;
use souk_sql::{SqlError, Tx, insert_row};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{
    BusError,
    tables::outbox_event::{ActiveModel, Entity},
};

/// Inserts `envelopes` into the outbox, and wakes the relay once the transaction has committed.
pub async fn add(tx: &Tx, envelopes: &[Envelope]) -> Result<(), SqlError> {
    if envelopes.is_empty() {
        return Ok(());
    }
    if let [envelope] = envelopes {
        insert_row(tx, row(envelope)?).await?;
    } else {
        let rows = envelopes.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    tx.hand_over(envelopes.to_vec());
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

/// The number and age of the unpublished events of an outbox, and for a moment of those that are published and not yet
/// removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Number of unpublished events.
    pub pending: u64,
    /// Time of the oldest of them; `None` if there are none.
    pub oldest: Option<Timestamp>,
}

/// The unpublished events of a service. SQL stores share [`SqlOutbox`](crate::SqlOutbox); a cart on Redis has its own.
#[async_trait::async_trait]
pub trait Outbox: Send + Sync {
    /// Claims the oldest unpublished events, at most `limit`, in the order they were written. Where the engine has locks,
    /// relays of other replicas skip claimed events.
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError>;
    /// Returns the oldest unpublished events that can be read, claimed or not, at most `limit`; for the audit.
    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError>;
    /// Returns the number and age of the unpublished events.
    async fn backlog(&self) -> Result<Backlog, BusError>;
    /// Waits until an event is written.
    async fn written(&self);
    /// Ends what confirming has left for later, before the relay stops.
    async fn finish(&self) {}
}

/// A claimed event that cannot be read, which the relay moves to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEvent {
    /// Key of the event in its outbox.
    pub key: String,
    /// Stored text of the event.
    pub body: String,
    /// Error of reading it.
    pub error: String,
}

/// Events of an outbox, separated by whether they can be read.
#[derive(Debug, Default)]
pub struct Events {
    /// Events in the order they were written.
    pub envelopes: Vec<Envelope>,
    /// Events that cannot be read.
    pub unreadable: Vec<UnreadableEvent>,
}

/// Keeps the rows of events that were lent to a transport, so that it needs no copies of its own.
pub trait Keeper: Send + Sync + std::fmt::Debug {
    /// Learns that an event is applied, or stored, by each queue that is bound to its type, and deletes its row a moment later.
    fn settled(&self, event: Uuid);
}

/// Events claimed for publishing. Dropping it releases them.
#[async_trait::async_trait]
pub trait Claim: Send {
    /// Returns the events in the order they were written, without the unreadable ones.
    fn envelopes(&self) -> &[Envelope];
    /// Returns the claimed events that cannot be read.
    fn unreadable(&self) -> &[UnreadableEvent];
    /// Deletes the unreadable events, which have become dead letters. It may take effect only with [`Claim::confirm`].
    async fn remove_unreadable(&mut self) -> Result<(), BusError>;
    /// Returns the keeper to which [`Claim::leave`] leaves events; `None` if their rows cannot stay while they are delivered.
    fn keeper(&self) -> Option<Arc<dyn Keeper>> {
        None
    }
    /// Leaves the events `ids`, which the transport was lent, to their keeper: the end of the claim does not release them.
    fn leave(&mut self, _ids: &[Uuid]) {}
    /// Deletes the events `ids`, which the transport has confirmed, and releases the others.
    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError>;
}
