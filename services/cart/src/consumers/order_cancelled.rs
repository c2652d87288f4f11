//! An order was cancelled: its items are active again.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCancelled;

use crate::{app::App, cart::Stage, store::Cause};

pub async fn handle(app: App, received: Received<OrderCancelled>) -> Result<Outcome, Failure> {
    let cause = Cause { queue: received.queue, event_id: received.event_id };
    super::follow(app, cause, received.event.order, Stage::Cancelled).await
}
