//! Runs a service's handlers on the messages of one queue.

use std::{collections::HashMap, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use futures::{FutureExt, future::join_all};
use souk_events::{Envelope, Event, Queue};
use souk_sql::SqlError;
use souk_values::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{BusError, Delivery, Subscription, Transport, Verdict, local::back_off, trace};

/// Messages taken at once; those of different subjects are handled side by side.
const BATCH: usize = 64;
/// How often a message may fail by its own fault before it is a dead letter.
const ATTEMPTS: u32 = 6;
/// The longest pause while the consumer's own engine is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

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
            error => Self::Message(error.to_string()),
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
        Self { queue, handlers: HashMap::new() }
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
            let consumed = async {
                let mut subscription = transport.subscribe(self.queue).await?;
                self.consume(&mut *subscription, &stop, &mut pause).await
            };
            if let Err(error) = consumed.await {
                tracing::warn!(queue = self.queue.name, error = %error, "consuming is interrupted and tried again");
                pause = (pause * 2).clamp(Duration::from_millis(100), LONGEST_PAUSE);
                // Real time on purpose: the pace of trying again, not a term of the business.
                tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => {} }
            }
        }
    }

    /// Takes batches until `stop`; an error means that engine or transport is away.
    async fn consume(
        &self,
        subscription: &mut dyn Subscription,
        stop: &CancellationToken,
        pause: &mut Duration,
    ) -> Result<(), BusError> {
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                batch = subscription.next(BATCH) => batch?,
            };
            let (verdicts, away) = self.handle_batch(batch).await;
            subscription.settle(verdicts).await?;
            if let Some(error) = away {
                return Err(BusError::Store(SqlError::Unavailable(error)));
            }
            *pause = Duration::ZERO;
        }
    }

    /// Handles the messages of one subject in turn and those of different subjects side by side. The
    /// second answer is why a message could not be handled without any fault of its own.
    async fn handle_batch(&self, batch: Vec<Delivery>) -> (Vec<(Delivery, Verdict)>, Option<String>) {
        let mut subjects: Vec<Vec<Delivery>> = Vec::new();
        let mut lane_of: HashMap<String, usize> = HashMap::new();
        for delivery in batch {
            let lane = *lane_of.entry(delivery.envelope.subject.clone()).or_insert(subjects.len());
            match subjects.get_mut(lane) {
                Some(deliveries) => deliveries.push(delivery),
                None => subjects.push(vec![delivery]),
            }
        }
        let mut verdicts = Vec::new();
        let mut away = None;
        for outcomes in join_all(subjects.into_iter().map(|deliveries| self.handle_in_turn(deliveries))).await {
            for (delivery, outcome) in outcomes {
                match outcome {
                    Ok(verdict) => verdicts.push((delivery, verdict)),
                    Err(error) => away = Some(error),
                }
            }
        }
        (verdicts, away)
    }

    async fn handle_in_turn(&self, deliveries: Vec<Delivery>) -> Vec<(Delivery, Result<Verdict, String>)> {
        let mut done = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let outcome = self.handle(delivery.envelope.clone()).await;
            let verdict = self.judge(&delivery, outcome);
            done.push((delivery, verdict));
        }
        done
    }

    fn judge(&self, delivery: &Delivery, outcome: Result<Outcome, Failure>) -> Result<Verdict, String> {
        let envelope = &delivery.envelope;
        let (label, verdict) = match outcome {
            Ok(Outcome::Applied) => ("applied", Ok(Verdict::Ack)),
            Ok(Outcome::Ignored) => ("ignored", Ok(Verdict::Ack)),
            Err(Failure::Unavailable(error)) => ("postponed", Err(error)),
            Err(Failure::Message(error)) if delivery.attempts + 1 < ATTEMPTS => {
                tracing::warn!(queue = self.queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                    attempt = delivery.attempts + 1, error = %error, "an event failed and is tried again");
                ("retried", Ok(Verdict::Retry { after: back_off(delivery.attempts) }))
            }
            Err(Failure::Message(error)) => {
                tracing::error!(queue = self.queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                    error = %error, "an event failed too often and is a dead letter now");
                ("dead", Ok(Verdict::Dead { error }))
            }
        };
        metrics::counter!("bus_events_total", "service" => self.queue.service(),
            "type" => envelope.event_type.clone(), "outcome" => label)
        .increment(1);
        verdict
    }
}
