//! Subscriptions: every event of an order updates payment's copy of it, and a cancellation refunds what was captured.

use souk_bus::{Cause, Consumer, Failure, Outcome, Received};
use souk_events::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderPaid, OrderShipped, queue,
};

use crate::{
    app::{App, ChangeOutcome, Step},
    order_payments::{Decision, KnownOrder, OrderPayments, OrderState},
};

pub(crate) fn table(app: &App) -> Vec<Consumer> {
    use OrderState::{Cancelled, Confirmed, Created};
    let orders = Consumer::new(&queue::PAYMENT_ORDERS)
        .on(app, |app, received: Received<OrderCreated>| apply(app, received.cause(), received.event.order, Created))
        .on(app, |app, received: Received<OrderConfirmed>| {
            apply(app, received.cause(), received.event.order, Confirmed)
        })
        .on(app, |app, received: Received<OrderCancelled>| {
            apply(app, received.cause(), received.event.order, Cancelled)
        })
        .on(app, |app, received: Received<OrderPaid>| apply(app, received.cause(), received.event.order, Confirmed))
        .on(app, |app, received: Received<OrderShipped>| apply(app, received.cause(), received.event.order, Confirmed))
        .on(app, |app, received: Received<OrderDelivered>| {
            apply(app, received.cause(), received.event.order, Confirmed)
        });
    vec![orders]
}

async fn apply(app: App, cause: Cause, facts: OrderFacts, state: OrderState) -> Result<Outcome, Failure> {
    let order = KnownOrder::new(&facts, state);
    let decide = |known| match OrderPayments::apply_order(known, &order, app.next_refund()) {
        Some(after) => Step::Save(Decision { after, events: Vec::new() }, true),
        None => Step::Unchanged(false),
    };
    match app.change(order.order_id, Some(cause), decide).await? {
        ChangeOutcome::Done(is_newer) => Ok(is_newer.into()),
        ChangeOutcome::Conflict | ChangeOutcome::Duplicate => Ok(Outcome::Ignored),
    }
}
