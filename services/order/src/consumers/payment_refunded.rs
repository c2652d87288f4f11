//! Money went back: noted, and an unshipped order whose money is all returned is over.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PaymentRefunded;

use super::give;
use crate::{
    App,
    order::{Cause, transition::Input},
};

pub(super) async fn handle(app: App, received: Received<PaymentRefunded>) -> Result<Outcome, Failure> {
    let PaymentRefunded { payment_id, refund_id, order_id, amount, in_full, refunded_at, .. } = received.event;
    let had_failed = app.store.has_step(order_id, Cause::FailedPayment(payment_id)).await?;
    let input = Input::Refunded { payment_id, amount, in_full, had_failed, at: refunded_at };
    let cause = if in_full { Cause::FullRefund(payment_id) } else { Cause::PartialRefund(refund_id) };
    give(&app, &received, order_id, (input, cause)).await
}
