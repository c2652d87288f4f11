//! The events that change an order, by queue.
//!
//! An order's state decides whether an event still matters, so late, repeated and reordered events are harmless.

use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{
    Event, PaymentFailed, PaymentRefundFailed, PaymentRefunded, PaymentSucceeded, StockRejected, StockReserved, queue,
};
use souk_values::OrderId;

use crate::{
    app::App,
    order::{
        StepCause,
        transition::{Input, Refusal},
    },
    store::{ActOutcome, OrderAct},
};

pub(crate) fn table(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::ORDER_STOCK)
            .on::<StockReserved, _, _, _>(app, stock_reserved)
            .on::<StockRejected, _, _, _>(app, stock_rejected),
        Consumer::new(&queue::ORDER_PAYMENTS)
            .on::<PaymentSucceeded, _, _, _>(app, payment_succeeded)
            .on::<PaymentFailed, _, _, _>(app, payment_failed)
            .on::<PaymentRefunded, _, _, _>(app, payment_refunded)
            .on::<PaymentRefundFailed, _, _, _>(app, refund_failed),
    ]
}

async fn stock_reserved(app: App, received: Received<StockReserved>) -> Result<Outcome, Failure> {
    let input = Input::StockReserved { pay_within: app.config.pay_within() };
    apply(&app, &received, received.event.order_id, input, StepCause::Event(received.event_id)).await
}

async fn stock_rejected(app: App, received: Received<StockRejected>) -> Result<Outcome, Failure> {
    let input = Input::StockRejected { lines: received.event.refused_lines.clone() };
    apply(&app, &received, received.event.order_id, input, StepCause::Event(received.event_id)).await
}

/// Marks the order as paid. A cancelled order stays as it is: payment refunds such a capture automatically.
async fn payment_succeeded(app: App, received: Received<PaymentSucceeded>) -> Result<Outcome, Failure> {
    let PaymentSucceeded { payment_id, order_id, amount, captured_at, .. } = received.event;
    let input = Input::Paid { payment_id, amount, at: captured_at };
    apply(&app, &received, order_id, input, StepCause::Capture(payment_id)).await
}

async fn payment_failed(app: App, received: Received<PaymentFailed>) -> Result<Outcome, Failure> {
    let PaymentFailed { payment_id, order_id, .. } = received.event;
    let input = Input::PaymentFailed { payment_id, failure_code: received.event.failure_code.clone() };
    apply(&app, &received, order_id, input, StepCause::FailedPayment(payment_id)).await
}

async fn payment_refunded(app: App, received: Received<PaymentRefunded>) -> Result<Outcome, Failure> {
    let PaymentRefunded { payment_id, refund_id, order_id, amount, in_full, refunded_at, .. } = received.event;
    let had_failed = app.store.has_step(order_id, StepCause::FailedPayment(payment_id)).await?;
    let came_back = app.store.has_step(order_id, StepCause::FailedRefund(refund_id)).await?;
    let input = Input::Refunded { payment_id, amount, in_full, had_failed, came_back, at: refunded_at };
    apply(&app, &received, order_id, input, StepCause::Refund(refund_id)).await
}

async fn refund_failed(app: App, received: Received<PaymentRefundFailed>) -> Result<Outcome, Failure> {
    let PaymentRefundFailed { payment_id, refund_id, order_id, amount, failed_at, .. } = received.event;
    let input = Input::RefundFailed { payment_id, amount, at: failed_at };
    apply(&app, &received, order_id, input, StepCause::FailedRefund(refund_id)).await
}

/// Applies `input` to the order of a received event, together with the event's inbox row.
///
/// Errors: the order refuses the event although it is neither late nor repeated; it becomes a dead letter.
async fn apply<E: Event>(
    app: &App,
    received: &Received<E>,
    order_id: OrderId,
    input: Input,
    cause: StepCause,
) -> Result<Outcome, Failure> {
    let act = OrderAct { order_id, owner: None, input, cause, inbox: Some(received.cause()) };
    match app.apply(act).await? {
        ActOutcome::Applied(_) => Ok(Outcome::Applied),
        ActOutcome::Repeated | ActOutcome::Refused(Refusal::NothingToDo, _) => Ok(Outcome::Ignored),
        ActOutcome::Refused(refusal, status) => Err(Failure::Handling(format!(
            "{} cannot be applied to order {order_id}, which is {status}: {refusal:?}",
            E::TYPE
        ))),
        ActOutcome::NotFound => {
            tracing::warn!(order.id = %order_id, event.kind = E::TYPE, "ignored an event of an unknown order");
            Ok(Outcome::Ignored)
        }
    }
}
