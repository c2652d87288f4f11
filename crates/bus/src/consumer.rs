//! Runs the handlers of a service on the messages of one queue.

mod batch;
mod pause;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use souk_events::{Envelope, Event, Queue};
use tokio_util::sync::CancellationToken;

use crate::{
    BusError, Delivery, Failure, Outcome, Received, Subscription, Transport, Verdict, backoff, handler::Handlers,
};

pub use pause::Pause;

/// Maximum number of messages per batch. Messages of different subjects in a batch are handled concurrently.
const BATCH: usize = 64;
/// Maximum time to hold unacknowledged messages while the engine is unavailable. RabbitMQ closes the channel of a consumer
/// that holds a message for much longer (its `consumer_timeout`), which counts against the delivery limit of the message.
const MAX_HOLD: Duration = Duration::from_secs(480);

/// A consumer of one queue with its handlers.
#[derive(Clone)]
pub struct Consumer {
    handlers: Handlers,
    max_hold: Duration,
    pause: Pause,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("queue", &self.queue()).finish_non_exhaustive()
    }
}

impl Consumer {
    /// Returns a consumer of `queue` without handlers. It acknowledges events of types that have none.
    #[must_use]
    pub fn new(queue: &'static Queue) -> Self {
        Self { handlers: Handlers::new(queue), max_hold: MAX_HOLD, pause: Pause::default() }
    }

    /// Adds `handler` for events of type `E`. It receives `state` and must be idempotent, because events are delivered at
    /// least once.
    #[must_use]
    pub fn on<E, S, F, H>(mut self, state: &S, handler: F) -> Self
    where
        E: Event,
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Received<E>) -> H + Send + Sync + 'static,
        H: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        self.handlers.add(state, handler);
        self
    }

    /// Sets the maximum time to hold messages while the consumer's engine is unavailable. Default 8 minutes.
    #[must_use]
    pub fn max_hold(mut self, max_hold: Duration) -> Self {
        self.max_hold = max_hold;
        self
    }

    /// Returns the pause of this consumer, for readiness.
    #[must_use]
    pub fn pause(&self) -> Pause {
        self.pause.clone()
    }

    /// Returns the name of the queue.
    #[must_use]
    pub fn queue(&self) -> &'static str {
        self.handlers.queue.name
    }

    /// Handles one envelope as [`Consumer::run`] does, for tests that reorder and repeat deliveries.
    pub async fn handle(&self, envelope: Envelope) -> Result<Outcome, Failure> {
        self.handlers.handle(envelope).await
    }

    /// Consumes the queue until `stop`, then finishes the current batch. Subscribes again after failures of the transport.
    pub async fn run(self, transport: Arc<dyn Transport>, stop: CancellationToken) {
        let mut pause = Duration::ZERO;
        while !stop.is_cancelled() {
            let began = Instant::now();
            let Err(error) = self.subscribe_and_consume(&*transport, &stop).await else { return };
            tracing::warn!(queue = self.queue(), error = %error, "consuming was interrupted; subscribing again");
            pause = backoff::after_working(pause, began.elapsed());
            // In real time, unlike the terms of the business.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = transport.connection_recovered() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Consumes batches until `stop`. Errors: the transport is unavailable.
    async fn subscribe_and_consume(&self, transport: &dyn Transport, stop: &CancellationToken) -> Result<(), BusError> {
        let mut subscription = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            subscription = transport.subscribe(self.handlers.queue) => subscription?,
        };
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => {
                    subscription.finish().await;
                    return Ok(());
                }
                batch = subscription.next(BATCH) => batch?,
            };
            let held = self.handle_and_settle(&mut *subscription, batch).await?;
            if !held.is_empty() {
                self.hold(&mut *subscription, held, stop).await?;
            }
        }
    }

    /// Handles a batch and settles the handled messages. Returns those whose engine is unavailable.
    async fn handle_and_settle(
        &self,
        subscription: &mut dyn Subscription,
        batch: Vec<Delivery>,
    ) -> Result<Vec<Delivery>, BusError> {
        let handled = batch::handle(&self.handlers, batch).await;
        if !handled.verdicts.is_empty() {
            subscription.settle(handled.verdicts).await?;
        }
        self.pause.set(handled.unavailable.as_deref());
        if let Some(error) = handled.unavailable {
            tracing::warn!(queue = self.queue(), held = handled.held.len(), error = %error,
                "events are held until the engine of their consumer is available again");
        }
        Ok(handled.held)
    }

    /// Holds messages unacknowledged and retries them until all are handled, or `max_hold` has passed and they are
    /// postponed.
    async fn hold(
        &self,
        subscription: &mut dyn Subscription,
        mut held: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<(), BusError> {
        let began = Instant::now();
        let mut pause = backoff::SHORTEST;
        while !held.is_empty() {
            // In real time, unlike the terms of the business.
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return Ok(()) }
            if began.elapsed() >= self.max_hold {
                tracing::warn!(queue = self.queue(), events = held.len(), "held events are postponed");
                let back = held.into_iter().map(|delivery| (delivery, Verdict::Postpone)).collect();
                return subscription.settle(back).await;
            }
            held = self.handle_and_settle(subscription, held).await?;
            pause = backoff::longer(pause);
        }
        tracing::info!(queue = self.queue(), "all held events are handled");
        Ok(())
    }
}
