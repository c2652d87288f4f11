//! What carries envelopes from outbox to queue: the local bus in one process, a broker between many.

use std::{sync::Arc, time::Duration};

use souk_events::{Envelope, Queue};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{BusError, DeadLetter, DeadLetterId};

/// Carries envelopes. Whatever [`Transport::publish`] confirmed is on disk in every queue bound to it.
#[async_trait::async_trait]
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Publishes `envelopes` in order; answers the ids of those it took charge of.
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError>;
    /// Begins to consume `queue`.
    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError>;
    /// Told of each event published from now on, to wake those who wait for it; may miss some.
    fn signals(&self) -> broadcast::Receiver<Signal>;
    /// Tells all processes of the shop that listen now, this one too; nothing is kept for those who do not.
    async fn announce(&self, announcement: Announcement) -> Result<(), BusError>;
    /// What is announced from now on. Some may be missed: then [`Announcement::missed`] is among them afterwards,
    /// or the receiver lags.
    fn announcements(&self) -> broadcast::Receiver<Announcement>;
    /// Whether it works now, for readiness.
    async fn ping(&self) -> Result<(), BusError>;
    /// Waits until a transport that was away is back. One that cannot tell never says so: who waits for
    /// it tries again after a while anyway.
    async fn recovered(&self) {
        std::future::pending::<()>().await;
    }

    /// The dead letters of `service`'s queues, or of all; newest first.
    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError>;
    /// How many dead letters each of `queues` has, in the order asked; cheap enough for a gauge.
    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError>;
    /// One of them. Errors: there is none with this id.
    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError>;
    /// Puts it back into its queue, as new. Errors: there is none with this id.
    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError>;
    /// Drops it for good. Errors: there is none with this id.
    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError>;
}

/// A consumer's hold on its queue.
#[async_trait::async_trait]
pub trait Subscription: Send {
    /// Waits for messages that are due; at most `max`, at least one, oldest first.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError>;
    /// Says what became of messages. Those not named come again.
    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError>;
}

/// A message handed to a consumer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub envelope: Envelope,
    /// How often it was handled before and failed by its own fault.
    pub attempts: u32,
    /// Which delivery of its channel it is, where the transport counts them.
    pub(crate) tag: u64,
}

/// What a consumer says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its effect is on disk.
    Ack,
    /// It failed by its own fault; hand it out again after a while.
    Retry {
        /// How long to hold it back.
        after: Duration,
    },
    /// Its consumer's engine is away for long; hand it out again some time, without counting this against it.
    Postpone,
    /// It failed too often; keep it aside for a person to look at.
    Dead {
        /// Why it failed last.
        error: String,
    },
}

/// Something that all processes are told at once, such as that the configuration has changed. On a broker it goes
/// over the exchange `springCloudBus` as it is, where Spring's services tell and hear the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement(pub Arc<serde_json::Value>);

impl Announcement {
    /// What a transport tells its own process when it begins to hear, at first and after each time that it could
    /// not: others may have announced something meanwhile, so look for yourself. It is JSON's `null`, which
    /// nobody announces.
    #[must_use]
    pub fn missed() -> Self {
        Self(Arc::new(serde_json::Value::Null))
    }

    /// Whether it is [`Self::missed`].
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.0.is_null()
    }
}

/// Something was published.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The event's type.
    pub event_type: String,
    /// The aggregate's id.
    pub subject: String,
}
