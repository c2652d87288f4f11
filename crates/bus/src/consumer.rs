//! Runs a service's handlers on the messages of one queue.

mod batch;

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use souk_events::{Envelope, Event, Queue};
use souk_sql::SqlError;
use souk_values::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{BusError, Delivery, Subscription, Transport, Verdict, pace, trace};

/// Messages taken at once; those of different subjects are handled side by side.
const BATCH: usize = 64;
/// How long a message is held in hand while the engine is away. A broker takes a consumer that keeps a
/// message much longer for a dead one, and counts that against the message.
const LONGEST_HOLD: Duration = Duration::from_secs(480);

/// An event as its handler gets it.
#[derive(Debug, Clone)]
pub struct Received<E> {
    /// The queue it came from: with `event_id`, what the inbox remembers.
    pub queue: &'static str,
    /// Unique.
    pub event_id: Uuid,
    /// The aggregate's version after the fact.
    pub version: i64,
    /// When it became true.
    pub time: Timestamp,
    /// The event.
    pub event: E,
}

/// What handling did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had its effect.
    Applied,
    /// It was a duplicate, or older than what is known; nothing changed.
    Ignored,
}

impl From<bool> for Outcome {
    /// True: applied.
    fn from(applied: bool) -> Self {
        if applied { Self::Applied } else { Self::Ignored }
    }
}

/// Why handling failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The message cannot be digested; tried again a few times, then a dead letter.
    #[error("{0}")]
    Message(String),
    /// The consumer's own engine or a peer is away; consuming pauses and the message is not blamed.
    #[error("{0}")]
    Unavailable(String),
}

impl From<SqlError> for Failure {
    /// A store's defect (`Failed`: a statement that this row breaks, a row that cannot be read, a panic) is
    /// held against the message: a queue that one message stops for ever would be worse than a dead letter
    /// that is replayed once the defect is mended.
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Busy(_) | SqlError::Unavailable(_) => Self::Unavailable(error.to_string()),
            SqlError::Unique(_) | SqlError::Constraint(_) | SqlError::Failed(_) => Self::Message(error.to_string()),
        }
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Store(error) => error.into(),
            BusError::Unavailable(_) | BusError::Drift(_) => Self::Unavailable(error.to_string()),
            BusError::Event(_)
            | BusError::Damaged(_)
            | BusError::NoSuchDeadLetter(_)
            | BusError::ReadOnly
            | BusError::Configuration(_) => Self::Message(error.to_string()),
        }
    }
}

type Handling = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + Send>>;
type Handler = Arc<dyn Fn(Envelope) -> Handling + Send + Sync>;

/// The handlers of one queue.
#[derive(Clone)]
pub struct Consumer {
    queue: &'static Queue,
    handlers: HashMap<&'static str, Handler>,
    longest_hold: Duration,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("queue", &self.queue.name).finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer of `queue` that handles nothing yet; an event without a handler is acknowledged.
    #[must_use]
    pub fn new(queue: &'static Queue) -> Self {
        Self { queue, handlers: HashMap::new(), longest_hold: LONGEST_HOLD }
    }

    /// Handles events of type `E` with `handler`, which is given `state` and must be idempotent.
    #[must_use]
    pub fn on<E, S, F, H>(mut self, state: &S, handler: F) -> Self
    where
        E: Event,
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Received<E>) -> H + Send + Sync + 'static,
        H: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let (queue, state) = (self.queue.name, state.clone());
        let handle = move |envelope: Envelope| -> Handling {
            match envelope.open::<E>() {
                Err(error) => Box::pin(async move { Err(Failure::Message(error.to_string())) }),
                Ok(event) => Box::pin(handler(
                    state.clone(),
                    Received {
                        queue,
                        event_id: envelope.id,
                        version: envelope.aggregateversion,
                        time: envelope.time,
                        event,
                    },
                )),
            }
        };
        self.handlers.insert(E::TYPE, Arc::new(handle));
        self
    }

    /// Holds messages in hand for at most `longest` while the engine is away, instead of eight minutes.
    #[must_use]
    pub fn holding_at_most(mut self, longest: Duration) -> Self {
        self.longest_hold = longest;
        self
    }

    /// The queue's name.
    #[must_use]
    pub fn queue(&self) -> &'static str {
        self.queue.name
    }

    /// Handles one envelope, as [`Consumer::run`] would: what tests shuffle and repeat deliveries with.
    pub async fn handle(&self, envelope: Envelope) -> Result<Outcome, Failure> {
        match self.handlers.get(envelope.event_type.as_str()) {
            None => Ok(Outcome::Ignored),
            Some(handler) => {
                let handling = trace::within(envelope.traceparent.clone(), handler(envelope));
                // A panic is a defect of the handler; it must not stop the queue.
                let caught = AssertUnwindSafe(handling).catch_unwind().await;
                caught.unwrap_or_else(|_| Err(Failure::Message("the handler panicked".to_owned())))
            }
        }
    }

    /// Consumes until `stop`, then finishes what is at hand.
    pub async fn run(self, transport: Arc<dyn Transport>, stop: CancellationToken) {
        let mut pause = Duration::ZERO;
        while !stop.is_cancelled() {
            let began = Instant::now();
            let Err(error) = self.subscribe_and_consume(&*transport, &stop).await else { return };
            tracing::warn!(queue = self.queue.name, error = %error, "consuming is interrupted and tried again");
            if began.elapsed() > pace::LONGEST {
                pause = Duration::ZERO;
            }
            pause = pace::longer(pause);
            // Real time on purpose: the pace of trying again, not a term of the business.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = transport.recovered() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes batches until `stop`; an error means that the transport is away.
    async fn subscribe_and_consume(&self, transport: &dyn Transport, stop: &CancellationToken) -> Result<(), BusError> {
        let mut subscription = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            subscription = transport.subscribe(self.queue) => subscription?,
        };
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                batch = subscription.next(BATCH) => batch?,
            };
            let held = self.work(&mut *subscription, batch).await?;
            if !held.is_empty() {
                self.hold(&mut *subscription, held, stop).await?;
            }
        }
    }

    /// Handles messages and says what became of them; answers those that wait for an engine to return.
    async fn work(&self, subscription: &mut dyn Subscription, batch: Vec<Delivery>) -> Result<Vec<Delivery>, BusError> {
        let handled = self.handle_batch(batch).await;
        if !handled.verdicts.is_empty() {
            subscription.settle(handled.verdicts).await?;
        }
        if let Some(error) = handled.away {
            tracing::warn!(queue = self.queue.name, held = handled.held.len(), error = %error,
                "events are held in hand until their consumer's engine is back");
        }
        Ok(handled.held)
    }

    /// Keeps `held` in hand and handles them again until all are handled, or they are put back after long.
    async fn hold(
        &self,
        subscription: &mut dyn Subscription,
        mut held: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<(), BusError> {
        let began = Instant::now();
        let mut pause = pace::SHORTEST;
        while !held.is_empty() {
            // Real time on purpose: the pace of trying again, not a term of the business.
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return Ok(()) }
            if began.elapsed() >= self.longest_hold {
                tracing::warn!(queue = self.queue.name, events = held.len(), "events are put back for later");
                let back = held.into_iter().map(|delivery| (delivery, Verdict::Postpone)).collect();
                return subscription.settle(back).await;
            }
            held = self.work(subscription, held).await?;
            pause = pace::longer(pause);
        }
        tracing::info!(queue = self.queue.name, "the events held in hand are handled");
        Ok(())
    }
}
