//! A wished product costs less: who wished for it is told.

use souk_bus::{Failure, Outcome, Received};
use souk_events::WishlistPriceDropped;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<WishlistPriceDropped>) -> Result<Outcome, Failure> {
    let news = news::price_dropped(&received.event);
    app.tell(&received, news).await
}
