//! An attempt to pay failed: noted on the timeline.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PaymentFailed;

use super::give;
use crate::{
    App,
    order::{Cause, transition::Input},
};

pub(super) async fn handle(app: App, received: Received<PaymentFailed>) -> Result<Outcome, Failure> {
    let PaymentFailed { payment_id, order_id, .. } = received.event;
    let input = Input::PaymentFailed { payment_id, failure_code: received.event.failure_code.clone() };
    give(&app, &received, order_id, (input, Cause::FailedPayment(payment_id))).await
}
