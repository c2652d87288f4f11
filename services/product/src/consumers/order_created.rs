//! An order was placed: what it wants is set aside, all or nothing.

use souk_bus::{Failure, Outcome, Received};
use souk_events::OrderCreated;

use crate::{App, reservation::Wanted, store::Cause};

/// Reserves, and tells order which way it went.
pub async fn handle(app: App, received: Received<OrderCreated>) -> Result<Outcome, Failure> {
    let done = app.store.reserve(Cause::from(&received), Wanted::from(&received.event.order)).await?;
    Ok(super::counted(done))
}
