//! A wished product is back: who wished for it is told.

use souk_bus::{Failure, Outcome, Received};
use souk_events::WishlistBackInStock;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<WishlistBackInStock>) -> Result<Outcome, Failure> {
    let news = news::back_in_stock(&received.event);
    app.tell(&received, news).await
}
