//! An order left the house: its owner gets the tracking number.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderShipped;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderShipped>) -> Result<Outcome, Failure> {
    let news = news::shipped(&received.event);
    app.tell(&received, news).await
}
