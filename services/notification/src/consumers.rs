//! Which event leads to what. `cart.checked_out` and `cart.expired` are acknowledged and counted with
//! every other event in `bus_events_total`; nobody is told.

mod cart_abandoned;
mod order_cancelled;
mod order_confirmed;
mod order_created;
mod order_delivered;
mod order_paid;
mod order_shipped;
mod password_reset_requested;
mod payment_failed;
mod payment_refunded;
mod stock_low;
mod user_changed;
mod user_registered;
mod wishlist_back_in_stock;
mod wishlist_price_dropped;

use souk_bus::Consumer;
use souk_events::{
    CartAbandoned, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderPaid, OrderShipped,
    PasswordResetRequested, PaymentFailed, PaymentRefunded, StockLow, UserChanged, UserRegistered, WishlistBackInStock,
    WishlistPriceDropped, queue,
};

use crate::app::App;

/// The consumers of every `notification.*` queue.
#[must_use]
pub fn consumers(app: &App) -> [Consumer; 5] {
    [
        Consumer::new(&queue::NOTIFICATION_USERS)
            .on::<UserRegistered, _, _, _>(app, user_registered::handle)
            .on::<UserChanged, _, _, _>(app, user_changed::handle)
            .on::<PasswordResetRequested, _, _, _>(app, password_reset_requested::handle),
        Consumer::new(&queue::NOTIFICATION_ORDERS)
            .on::<OrderCreated, _, _, _>(app, order_created::handle)
            .on::<OrderConfirmed, _, _, _>(app, order_confirmed::handle)
            .on::<OrderCancelled, _, _, _>(app, order_cancelled::handle)
            .on::<OrderPaid, _, _, _>(app, order_paid::handle)
            .on::<OrderShipped, _, _, _>(app, order_shipped::handle)
            .on::<OrderDelivered, _, _, _>(app, order_delivered::handle),
        Consumer::new(&queue::NOTIFICATION_PAYMENTS)
            .on::<PaymentFailed, _, _, _>(app, payment_failed::handle)
            .on::<PaymentRefunded, _, _, _>(app, payment_refunded::handle),
        Consumer::new(&queue::NOTIFICATION_PRODUCTS).on::<StockLow, _, _, _>(app, stock_low::handle),
        Consumer::new(&queue::NOTIFICATION_CARTS)
            .on::<CartAbandoned, _, _, _>(app, cart_abandoned::handle)
            .on::<WishlistBackInStock, _, _, _>(app, wishlist_back_in_stock::handle)
            .on::<WishlistPriceDropped, _, _, _>(app, wishlist_price_dropped::handle),
    ]
}
