//! An order was cancelled: its units go back, set aside or sold.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCancelled;

use crate::{App, reservation::Wanted, store::Cause};

/// Gives back. A cancel that comes before the order's placing is remembered, so that nothing is set aside later.
pub async fn handle(app: App, received: Received<OrderCancelled>) -> Result<Outcome, Failure> {
    let done = app.store.give_back(Cause::from(&received), Wanted::from(&received.event.order)).await?;
    Ok(super::counted(done))
}
