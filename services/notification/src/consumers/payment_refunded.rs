//! Money went back: the customer is told how much.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PaymentRefunded;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<PaymentRefunded>) -> Result<Outcome, Failure> {
    let news = news::refunded(&received.event);
    app.tell(&received, news).await
}
