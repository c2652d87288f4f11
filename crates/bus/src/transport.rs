//! The interface of the transports: [`LocalTransport`](crate::LocalTransport) within one process, and
//! [`RabbitTransport`](crate::RabbitTransport) between many.

use std::{sync::Arc, time::Duration};

use souk_events::{Envelope, Queue};
use souk_values::{Page, PageRequest};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{BusError, DeadLetter, DeadLetterId, Keeper, UnreadableEvent};

/// Delivers envelopes from outboxes to queues. An event that [`Transport::publish`] has confirmed is on disk in every queue
/// bound to its type; one that was lent is on disk in its outbox until then, or until it is applied.
#[async_trait::async_trait]
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Publishes `envelopes` in order, and returns the ids of those that are confirmed.
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError>;
    /// Delivers `envelopes` in order, without a copy of those whose rows `keeper` keeps: it learns of each of them once every
    /// queue bound to its type has applied or stored it. After a crash before that, they are to be delivered again.
    ///
    /// By default they are published: a transport outside of the process stores them anyway.
    async fn lend(&self, envelopes: &[Envelope], _keeper: &Arc<dyn Keeper>) -> Result<Lent, BusError> {
        Ok(Lent { confirmed: self.publish(envelopes).await?, kept: Vec::new() })
    }
    /// Stores events that the relay of `service` cannot read as dead letters of its outbox. They are on disk when this
    /// returns. Burying the same event twice leaves one letter.
    async fn bury(&self, service: &str, events: &[UnreadableEvent]) -> Result<(), BusError>;
    /// Starts consuming `queue`.
    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError>;
    /// Subscribes to a signal for each event published from now on, to wake requests that wait for one. Best effort: some
    /// signals may be missed.
    fn signals(&self) -> broadcast::Receiver<Signal>;
    /// Broadcasts to all processes of the shop that are connected now, including this one. It is not stored.
    async fn announce(&self, announcement: Announcement) -> Result<(), BusError>;
    /// Subscribes to announcements from now on. After some may have been missed, [`Announcement::missed`] follows or the
    /// receiver lags.
    fn announcements(&self) -> broadcast::Receiver<Announcement>;
    /// Checks for readiness that the transport works now.
    async fn ping(&self) -> Result<(), BusError>;
    /// Waits until an unavailable transport has recovered. Never returns for a transport that does not detect that, so
    /// callers also retry after a pause.
    async fn connection_recovered(&self) {
        std::future::pending::<()>().await;
    }

    /// Returns the dead letters of the queues of `service`, or of all queues, newest first.
    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError>;
    /// Returns a page of them, without holding all in memory. On RabbitMQ all are read, because a queue of AMQP has no pages.
    async fn dead_letter_page(&self, service: Option<&str>, request: PageRequest)
    -> Result<Page<DeadLetter>, BusError>;
    /// Returns the number of dead letters of each of `queues`, in their order; cheap enough for a gauge.
    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError>;
    /// Returns the dead letter `id`. Errors: it does not exist.
    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError>;
    /// Moves the dead letter `id` back into its queue, with no attempts counted; one of an outbox is published to all
    /// queues. Errors: it does not exist, or it is one of an outbox that still cannot be read.
    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError>;
    /// Deletes the dead letter `id`. Errors: it does not exist.
    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError>;
}

/// Events after [`Transport::lend`], by their ids. One that is in neither list is to be published again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lent {
    /// Those that are on disk in every queue bound to their type.
    pub confirmed: Vec<Uuid>,
    /// Those that their keeper has to keep.
    pub kept: Vec<Uuid>,
}

/// A subscription to one queue.
#[async_trait::async_trait]
pub trait Subscription: Send {
    /// Waits for messages that are due, and returns at least one and at most `max` of them, oldest first.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError>;
    /// Settles messages with their verdicts. Messages that are never settled are redelivered.
    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError>;
    /// Ends what settling has left for later, before the consumer stops.
    async fn finish(&mut self) {}
}

/// A message delivered to a consumer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event in its envelope.
    pub envelope: Envelope,
    /// Number of earlier attempts that failed because of this message.
    pub attempts: u32,
    /// AMQP's delivery tag; on the local transport the position in its queue.
    pub(crate) tag: u64,
}

/// A consumer's decision on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The message was applied, and its effect is on disk.
    Ack,
    /// The message failed. Redeliver it after a delay, as another attempt.
    Retry {
        /// Time until the redelivery.
        after: Duration,
    },
    /// The consumer's engine has been unavailable for long. Redeliver the message later as the same attempt.
    Postpone,
    /// The message failed too often. Make it a dead letter.
    Dead {
        /// Error message of the last attempt.
        error: String,
    },
}

/// A JSON message to all processes, such as that the configuration has changed. RabbitMQ carries it unchanged over the
/// exchange `springCloudBus`, which services with Spring Cloud Bus share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement(pub Arc<serde_json::Value>);

impl Announcement {
    /// Returns the announcement that a transport sends to its own process whenever it starts receiving, initially and after
    /// an interruption: others may have been missed before, so receivers should check for changes. It is JSON `null`, which
    /// no process announces.
    #[must_use]
    pub fn missed() -> Self {
        Self(Arc::new(serde_json::Value::Null))
    }

    /// Returns true for [`Announcement::missed`].
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.0.is_null()
    }
}

/// The notice that an event was published.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Type of the event, such as `order.paid.v1`.
    pub event_type: String,
    /// Id of the aggregate.
    pub subject: String,
}
