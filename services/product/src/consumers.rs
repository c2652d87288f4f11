//! What product does when orders are placed, paid, shipped or cancelled.

mod order_cancelled;
mod order_created;
mod order_sold;

use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{OrderCancelled, OrderCreated, OrderPaid, OrderShipped, queue};

use crate::{
    App, metrics,
    reservation::State,
    store::{Cause, StoreError},
};

/// Which queue is consumed, and by what.
pub fn all(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::PRODUCT_ORDERS)
            .on::<OrderCreated, _, _, _>(app, order_created::handle)
            .on::<OrderPaid, _, _, _>(app, order_sold::paid)
            .on::<OrderShipped, _, _, _>(app, order_sold::shipped)
            .on::<OrderCancelled, _, _, _>(app, order_cancelled::handle),
    ]
}

impl<E> From<&Received<E>> for Cause {
    fn from(received: &Received<E>) -> Self {
        Self { queue: received.queue, event_id: received.event_id }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            refused => Self::Message(refused.to_string()),
        }
    }
}

/// Counts what was done; nothing was, if the order was dealt with before.
fn counted(done: Option<State>) -> Outcome {
    done.inspect(|state| metrics::reservation(*state)).is_some().into()
}
