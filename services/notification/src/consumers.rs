//! The events that lead to notices, by queue.
//!
//! `cart.checked_out` and `cart.expired` have no handler: they are acknowledged, and counted in `bus_events_total`.

use futures::future::BoxFuture;
use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{
    CartAbandoned, Event, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderPaid, OrderShipped,
    PasswordResetRequested, PaymentFailed, PaymentRefundFailed, PaymentRefunded, StockLow, UserChanged,
    UserEmailChanged, UserPasswordChanged, UserRegistered, WishlistBackInStock, WishlistPriceDropped, queue,
};

use crate::{
    app::App,
    message::{self, Message},
};

pub(crate) fn table(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::NOTIFICATION_USERS)
            .on(app, user_registered)
            .on(app, user_changed)
            .on(app, notify::<UserEmailChanged>(message::email_changed))
            .on(app, notify::<UserPasswordChanged>(message::password_changed))
            .on(app, notify::<PasswordResetRequested>(message::password_reset)),
        Consumer::new(&queue::NOTIFICATION_ORDERS)
            .on(app, notify::<OrderCreated>(message::order_received))
            .on(app, notify::<OrderConfirmed>(message::order_confirmed))
            .on(app, notify::<OrderCancelled>(message::order_cancelled))
            .on(app, notify::<OrderPaid>(message::order_paid))
            .on(app, notify::<OrderShipped>(message::order_shipped))
            .on(app, notify::<OrderDelivered>(message::order_delivered)),
        Consumer::new(&queue::NOTIFICATION_PAYMENTS)
            .on(app, notify::<PaymentFailed>(message::payment_failed))
            .on(app, notify::<PaymentRefunded>(message::payment_refunded))
            .on(app, refund_failed),
        Consumer::new(&queue::NOTIFICATION_PRODUCTS).on(app, notify::<StockLow>(message::stock_low)),
        Consumer::new(&queue::NOTIFICATION_CARTS)
            .on(app, notify::<CartAbandoned>(message::cart_reminder))
            .on(app, notify::<WishlistBackInStock>(message::back_in_stock))
            .on(app, notify::<WishlistPriceDropped>(message::price_dropped)),
    ]
}

/// Returns a handler that records the message that `write` makes of an event.
fn notify<E: Event>(
    write: fn(&E) -> Message,
) -> impl Fn(App, Received<E>) -> BoxFuture<'static, Result<Outcome, Failure>> {
    move |app, received| {
        Box::pin(async move {
            let message = write(&received.event);
            app.record(&received, None, Some(message)).await
        })
    }
}

async fn user_registered(app: App, received: Received<UserRegistered>) -> Result<Outcome, Failure> {
    let contact = message::registered_contact(&received.event);
    let welcome = message::welcome(&received.event);
    app.record(&received, Some(contact), Some(welcome)).await
}

async fn user_changed(app: App, received: Received<UserChanged>) -> Result<Outcome, Failure> {
    let contact = message::changed_contact(&received.event);
    app.record(&received, Some(contact), None).await
}

async fn refund_failed(app: App, received: Received<PaymentRefundFailed>) -> Result<Outcome, Failure> {
    let to_admins = message::refund_failed(&received.event);
    let to_customer = message::refund_returned(&received.event);
    app.record(&received, None, [to_admins].into_iter().chain(to_customer)).await
}
