//! The order's money is captured. Of a cancelled order it changes nothing: payment refunds by itself.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PaymentSucceeded;

use super::give;
use crate::{
    App,
    order::{Cause, transition::Input},
};

pub(super) async fn handle(app: App, received: Received<PaymentSucceeded>) -> Result<Outcome, Failure> {
    let PaymentSucceeded { payment_id, order_id, amount, captured_at, .. } = received.event;
    let input = Input::Paid { payment_id, amount, at: captured_at };
    give(&app, &received, order_id, (input, Cause::Capture(payment_id))).await
}
