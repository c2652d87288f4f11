//! What the order service consumes: queue to handler.

mod payment_failed;
mod payment_refunded;
mod payment_succeeded;
mod stock_rejected;
mod stock_reserved;

use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{Event, PaymentFailed, PaymentRefunded, PaymentSucceeded, StockRejected, StockReserved, queue};
use souk_values::OrderId;

use crate::{
    App,
    order::{
        Cause,
        transition::{Input, Refusal},
    },
    store::Changed,
};

/// The consumers of `app`.
pub(crate) fn of(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::ORDER_STOCK)
            .on::<StockReserved, _, _, _>(app, stock_reserved::handle)
            .on::<StockRejected, _, _, _>(app, stock_rejected::handle),
        Consumer::new(&queue::ORDER_PAYMENTS)
            .on::<PaymentSucceeded, _, _, _>(app, payment_succeeded::handle)
            .on::<PaymentFailed, _, _, _>(app, payment_failed::handle)
            .on::<PaymentRefunded, _, _, _>(app, payment_refunded::handle),
    ]
}

/// Gives what an event says to its order. An order's state decides whether it still matters, so
/// late, repeated and reordered events do no harm.
async fn give<E: Event>(
    app: &App,
    received: &Received<E>,
    order_id: OrderId,
    act: (Input, Cause),
) -> Result<Outcome, Failure> {
    match app.act(order_id, None, act, Some((received.queue, received.event_id))).await? {
        Changed::Applied(_) => Ok(Outcome::Applied),
        Changed::Repeated | Changed::Refused(Refusal::NothingToDo, _) => Ok(Outcome::Ignored),
        Changed::Refused(refusal, status) => {
            Err(Failure::Message(format!("{} met order {order_id}, {status}: {refusal:?}", E::TYPE)))
        }
        Changed::NotFound => {
            tracing::warn!(order.id = %order_id, event.kind = E::TYPE, "an event speaks of an order that is not there");
            Ok(Outcome::Ignored)
        }
    }
}
