//! An attempt to pay failed: the customer may try another way.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PaymentFailed;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<PaymentFailed>) -> Result<Outcome, Failure> {
    let news = news::payment_failed(&received.event);
    app.tell(&received, news).await
}
