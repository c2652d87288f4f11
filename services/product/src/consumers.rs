//! Reactions to orders: reserve on placement, sell on payment or shipment, release on cancellation.

use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{OrderCancelled, OrderCreated, OrderPaid, OrderShipped, queue};

use crate::{
    app::App,
    metrics,
    reservation::{ReservationRequest, ReservationState},
    store::StoreError,
};

pub(crate) fn table(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::PRODUCT_ORDERS)
            .on(app, order_created)
            .on(app, order_paid)
            .on(app, order_shipped)
            .on(app, order_cancelled),
    ]
}

async fn order_created(app: App, received: Received<OrderCreated>) -> Result<Outcome, Failure> {
    let request = ReservationRequest::from(&received.event.order);
    Ok(counted(app.store.reserve(received.cause(), request).await?))
}

async fn order_paid(app: App, received: Received<OrderPaid>) -> Result<Outcome, Failure> {
    let request = ReservationRequest::from(&received.event.order);
    Ok(counted(app.store.sell(received.cause(), request).await?))
}

/// Orders that are paid on delivery are shipped first.
async fn order_shipped(app: App, received: Received<OrderShipped>) -> Result<Outcome, Failure> {
    let request = ReservationRequest::from(&received.event.order);
    Ok(counted(app.store.sell(received.cause(), request).await?))
}

async fn order_cancelled(app: App, received: Received<OrderCancelled>) -> Result<Outcome, Failure> {
    let request = ReservationRequest::from(&received.event.order);
    Ok(counted(app.store.release(received.cause(), request).await?))
}

/// Counts the state that a reservation reached; `None` when the event changed nothing.
fn counted(reached: Option<ReservationState>) -> Outcome {
    reached.inspect(|state| metrics::reservation(*state)).is_some().into()
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sql(error) => error.into(),
            refused => Self::Handling(refused.to_string()),
        }
    }
}
