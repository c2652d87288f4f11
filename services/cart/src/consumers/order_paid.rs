//! An order was paid: its items stay as bought.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderPaid;

use crate::{app::App, cart::Stage, store::Cause};

pub async fn handle(app: App, received: Received<OrderPaid>) -> Result<Outcome, Failure> {
    let cause = Cause { queue: received.queue, event_id: received.event_id };
    super::follow(app, cause, received.event.order, Stage::Paid).await
}
