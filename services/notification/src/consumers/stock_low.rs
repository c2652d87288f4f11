//! Few of a product are left: every admin is told.

use souk_bus::{Failure, Outcome, Received};
use souk_events::StockLow;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<StockLow>) -> Result<Outcome, Failure> {
    let news = news::stock_low(&received.event);
    app.tell(&received, news).await
}
