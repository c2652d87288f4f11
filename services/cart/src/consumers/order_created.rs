//! An order was placed: its lines are ordered.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCreated;

use crate::{app::App, cart::Stage, store::Cause};

pub async fn handle(app: App, received: Received<OrderCreated>) -> Result<Outcome, Failure> {
    let cause = Cause { queue: received.queue, event_id: received.event_id };
    super::follow(app, cause, received.event.order, Stage::Placed).await
}
