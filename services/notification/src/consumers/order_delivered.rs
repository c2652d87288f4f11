//! An order arrived: its owner sees it in the shop.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderDelivered;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderDelivered>) -> Result<Outcome, Failure> {
    let news = news::delivered(&received.event);
    app.tell(&received, news).await
}
