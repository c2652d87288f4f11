//! An order was paid or shipped: its units are sold.

use souk_bus::{Failure, Outcome, Received};
use souk_events::{OrderFacts, OrderPaid, OrderShipped};

use crate::{App, reservation::Wanted, store::Cause};

/// The money is captured.
pub async fn paid(app: App, received: Received<OrderPaid>) -> Result<Outcome, Failure> {
    sell(app, Cause::from(&received), &received.event.order).await
}

/// It left the house, paid or not.
pub async fn shipped(app: App, received: Received<OrderShipped>) -> Result<Outcome, Failure> {
    sell(app, Cause::from(&received), &received.event.order).await
}

async fn sell(app: App, cause: Cause, order: &OrderFacts) -> Result<Outcome, Failure> {
    Ok(super::counted(app.store.sell(cause, Wanted::from(order)).await?))
}
