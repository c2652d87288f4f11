//! An order's stock is reserved: its owner is told until when to pay.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderConfirmed;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderConfirmed>) -> Result<Outcome, Failure> {
    let news = news::confirmed(&received.event);
    app.tell(&received, news).await
}
