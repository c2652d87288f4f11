//! An order is over: its owner is told why.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCancelled;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderCancelled>) -> Result<Outcome, Failure> {
    let news = news::cancelled(&received.event);
    app.tell(&received, news).await
}
