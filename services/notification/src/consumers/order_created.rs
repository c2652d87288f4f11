//! An order was placed: its owner is told that it arrived.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCreated;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderCreated>) -> Result<Outcome, Failure> {
    let news = news::received(&received.event);
    app.tell(&received, news).await
}
