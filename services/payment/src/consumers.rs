//! What payment consumes: every event of an order, for its own copy of it.

mod order_news;

use souk_bus::Consumer;
use souk_events::{OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderPaid, OrderShipped, queue};

use crate::app::App;

/// The consumer of `payment.orders`.
#[must_use]
pub fn orders(app: &App) -> Consumer {
    Consumer::new(&queue::PAYMENT_ORDERS)
        .on::<OrderCreated, _, _, _>(app, order_news::handle)
        .on::<OrderConfirmed, _, _, _>(app, order_news::handle)
        .on::<OrderCancelled, _, _, _>(app, order_news::handle)
        .on::<OrderPaid, _, _, _>(app, order_news::handle)
        .on::<OrderShipped, _, _, _>(app, order_news::handle)
        .on::<OrderDelivered, _, _, _>(app, order_news::handle)
}
