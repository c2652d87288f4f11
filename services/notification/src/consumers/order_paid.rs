//! An order's money arrived: its owner gets a receipt.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderPaid;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<OrderPaid>) -> Result<Outcome, Failure> {
    let news = news::paid(&received.event);
    app.tell(&received, news).await
}
