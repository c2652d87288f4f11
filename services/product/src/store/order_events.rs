//! Events of orders. Those that wait while a transaction commits share the next one.
//!
//! A replica applies one batch at a time, so that orders for one product queue here and not for the lock of its row. No event
//! waits for others: a batch has those that are there. A batch that fails is run again with a transaction for each event, so
//! that only the one at fault fails.

use std::{collections::VecDeque, sync::Arc};

use futures::future::join_all;
use parking_lot::Mutex;
use souk_bus::Cause;
use souk_sql::SqlError;
use tokio::sync::oneshot;

use super::{
    ProductStore, StoreError,
    order_batch::{OrderBatch, OrderChange, OrderEvent},
};
use crate::{
    metrics,
    reservation::{ReservationRequest, ReservationState},
};

/// Maximum number of events in a transaction: as many as the consumer takes from its queue at once.
const MAX_EVENTS: usize = 64;
/// Number of order lines above which a batch takes no further event. It keeps the values of a statement below every engine's
/// limit.
const MAX_LINES: usize = 512;

type Reached = Result<Option<ReservationState>, StoreError>;

/// Events that no transaction has taken yet. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderQueue {
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
    /// Held while a batch is applied.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Waiting {
    event: Arc<OrderEvent>,
    answer: oneshot::Sender<Reached>,
}

impl OrderQueue {
    fn push(&self, event: OrderEvent) -> oneshot::Receiver<Reached> {
        let (answer, receiver) = oneshot::channel();
        self.waiting.lock().push_back(Waiting { event: Arc::new(event), answer });
        receiver
    }

    /// Takes the oldest events, up to the limits of a batch but at least one. Those whose caller went away are dropped.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock();
        let (mut batch, mut lines) = (Vec::new(), 0);
        while batch.len() < MAX_EVENTS && lines < MAX_LINES {
            let Some(next) = waiting.pop_front() else { break };
            if !next.answer.is_closed() {
                lines += next.event.request.lines.len();
                batch.push(next);
            }
        }
        batch
    }
}

impl ProductStore {
    /// Reserves all units of an order or none. Returns the state reached; `None` when the order has a reservation
    /// already, or the event was recorded before.
    pub(crate) async fn reserve(&self, cause: Cause, request: ReservationRequest) -> Reached {
        self.apply(OrderChange::Reserve, cause, request).await
    }

    /// Turns an order's reserved units into sold ones. Returns the state reached; `None` when nothing changed.
    ///
    /// An order without a reservation is reserved first: its payment or shipment arrived before its placement.
    pub(crate) async fn sell(&self, cause: Cause, request: ReservationRequest) -> Reached {
        self.apply(OrderChange::Sell, cause, request).await
    }

    /// Gives an order's units back to stock, reserved or sold. Returns the state reached; `None` when nothing changed.
    pub(crate) async fn release(&self, cause: Cause, request: ReservationRequest) -> Reached {
        self.apply(OrderChange::Release, cause, request).await
    }

    /// Queues an event, and returns once the transaction that applied it is committed.
    async fn apply(&self, change: OrderChange, cause: Cause, request: ReservationRequest) -> Reached {
        // With the trace of the caller's task.
        let stamper = self.tx_context().stamper;
        let mut answer = self.orders.push(OrderEvent { cause, change, request, stamper });
        // The consumer handles the events of a delivery on one task: this lets the others enter the queue as well, before the
        // first of them begins a transaction.
        tokio::task::yield_now().await;
        loop {
            tokio::select! {
                biased;
                reached = &mut answer => return reached.unwrap_or_else(|_| Err(stopped())),
                turn = Arc::clone(&self.orders.turn).lock_owned() => {
                    let store = self.clone();
                    // On a task of its own: a caller that drops its future must not cancel the transaction of others.
                    tokio::spawn(async move {
                        store.apply_waiting().await;
                        drop(turn);
                    });
                }
            }
        }
    }

    async fn apply_waiting(&self) {
        let batch = self.orders.take();
        if batch.len() < 2 {
            for waiting in batch {
                self.apply_alone(waiting).await;
            }
            return;
        }
        match self.apply_together(batch.iter().map(|waiting| Arc::clone(&waiting.event)).collect()).await {
            Ok(reached) => {
                for (waiting, reached) in batch.into_iter().zip(reached) {
                    waiting.send(Ok(reached));
                }
            }
            Err(error) => {
                tracing::debug!(events = batch.len(), %error, "a batch failed; each of its events runs alone");
                join_all(batch.into_iter().map(|waiting| self.apply_alone(waiting))).await;
            }
        }
    }

    async fn apply_alone(&self, waiting: Waiting) {
        let reached = self.apply_together(vec![Arc::clone(&waiting.event)]).await;
        waiting.send(reached.map(|reached| reached.into_iter().next().flatten()));
    }

    /// Applies `events` in one transaction.
    async fn apply_together(&self, events: Vec<Arc<OrderEvent>>) -> Result<Vec<Option<ReservationState>>, StoreError> {
        let count = events.len();
        let batch = OrderBatch { events, context: self.tx_context() };
        let reached = self.db.write(batch, |tx, batch| Box::pin(batch.apply(tx))).await?;
        metrics::order_batch(count);
        Ok(reached)
    }
}

impl Waiting {
    fn send(self, reached: Reached) {
        // Fails if the caller has dropped its future, in which case no one needs the outcome.
        let _ = self.answer.send(reached);
    }
}

/// Error of an event whose batch was dropped, as at the end of the process. No event is at fault.
fn stopped() -> StoreError {
    SqlError::Unavailable("the transaction of the order's event was dropped".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use souk_bus::Stamper;
    use souk_values::{Id as _, IdGen, OrderId, ProductId, SystemClock};
    use uuid::Uuid;

    use super::*;

    fn event(order: i64, lines: i64) -> OrderEvent {
        let clock = Arc::new(SystemClock);
        OrderEvent {
            cause: Cause { queue: "product.orders", event_id: Uuid::from_u128(1) },
            change: OrderChange::Reserve,
            request: ReservationRequest {
                order_id: OrderId::new(order).unwrap(),
                order_version: 1,
                lines: (1..=lines).map(|id| (ProductId::new(id).unwrap(), 1)).collect(),
            },
            stamper: Stamper::new(IdGen::new(clock.clone()), clock),
        }
    }

    /// Returns the orders of the next batch.
    fn taken(queue: &OrderQueue) -> Vec<i64> {
        queue.take().iter().map(|waiting| waiting.event.request.order_id.get()).collect()
    }

    #[test]
    fn a_batch_has_the_oldest_events_up_to_its_limits() {
        let queue = OrderQueue::default();
        let answers: Vec<_> = (1..=70).map(|order| queue.push(event(order, 1))).collect();
        assert_eq!(taken(&queue), (1..=64).collect::<Vec<_>>());
        assert_eq!(taken(&queue), (65..=70).collect::<Vec<_>>());
        assert!(taken(&queue).is_empty());
        drop(answers);
        let lines = i64::try_from(MAX_LINES).unwrap();
        let _answers: Vec<_> = [lines * 2, 1, lines, 1]
            .into_iter()
            .zip(1..)
            .map(|(lines, order)| queue.push(event(order, lines)))
            .collect();
        assert_eq!([taken(&queue), taken(&queue), taken(&queue)], [vec![1], vec![2, 3], vec![4]]);
    }

    #[test]
    fn an_event_without_its_caller_is_left_out() {
        let queue = OrderQueue::default();
        let (first, second, third) = (queue.push(event(1, 1)), queue.push(event(2, 1)), queue.push(event(3, 1)));
        drop(second);
        assert_eq!(taken(&queue), [1, 3]);
        drop((first, third));
    }
}
