//! A cart is about to lose an item: its owner is reminded.

use souk_bus::{Failure, Outcome, Received};
use souk_events::CartAbandoned;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<CartAbandoned>) -> Result<Outcome, Failure> {
    let news = news::cart_reminder(&received.event);
    app.tell(&received, news).await
}
