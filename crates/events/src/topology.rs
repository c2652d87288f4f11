//! The queues of all services and the event types routed to them. Every service declares all of them before it publishes:
//! an event that is published before its queue exists would be lost for the consumer.

/// A durable queue of one service, for one purpose.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    /// Name of the form `service.purpose`.
    pub name: &'static str,
    /// Event types routed to the queue.
    pub binds: &'static [&'static str],
}

impl Queue {
    /// Returns the name of the consuming service.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(service, _)| service)
    }
}

/// All queues of all services.
pub const QUEUES: &[Queue] = &[
    queue::PRODUCT_ORDERS,
    queue::ORDER_STOCK,
    queue::ORDER_PAYMENTS,
    queue::CART_ORDERS,
    queue::CART_PRODUCTS,
    queue::PAYMENT_ORDERS,
    queue::NOTIFICATION_USERS,
    queue::NOTIFICATION_ORDERS,
    queue::NOTIFICATION_PAYMENTS,
    queue::NOTIFICATION_PRODUCTS,
    queue::NOTIFICATION_CARTS,
];

/// Names of the outboxes, under which the dead letters of events are kept that a relay could not read. They have no messages.
pub const OUTBOXES: &[&str] = &["auth.outbox", "product.outbox", "order.outbox", "cart.outbox", "payment.outbox"];

/// Returns the name of the outbox of `service` in [`OUTBOXES`]; `None` for a service without events.
#[must_use]
pub fn outbox_of(service: &str) -> Option<&'static str> {
    OUTBOXES.iter().copied().find(|outbox| outbox.strip_suffix(".outbox") == Some(service))
}

/// Returns the names under which dead letters are kept: those of the queues, then those of the outboxes.
pub fn dead_letter_names() -> impl Iterator<Item = &'static str> {
    QUEUES.iter().map(|queue| queue.name).chain(OUTBOXES.iter().copied())
}

/// The queues as constants.
pub mod queue {
    use super::Queue;

    /// Orders whose stock product reserves, sells or releases.
    pub const PRODUCT_ORDERS: Queue = Queue {
        name: "product.orders",
        binds: &["order.created.v1", "order.cancelled.v1", "order.paid.v1", "order.shipped.v1"],
    };
    /// Results of the reservations that order requested.
    pub const ORDER_STOCK: Queue = Queue { name: "order.stock", binds: &["stock.reserved.v1", "stock.rejected.v1"] };
    /// Captures, failures and refunds for order.
    pub const ORDER_PAYMENTS: Queue = Queue {
        name: "order.payments",
        binds: &["payment.succeeded.v1", "payment.failed.v1", "payment.refunded.v1", "payment.refund_failed.v1"],
    };
    /// Orders whose items cart moves to ordered, to purchased, or back.
    pub const CART_ORDERS: Queue =
        Queue { name: "cart.orders", binds: &["order.created.v1", "order.cancelled.v1", "order.paid.v1"] };
    /// Names, prices and availability of products in carts and wishlists.
    pub const CART_PRODUCTS: Queue = Queue { name: "cart.products", binds: &["product.changed.v1", "stock.back.v1"] };
    /// Orders of which payment keeps a copy.
    pub const PAYMENT_ORDERS: Queue = Queue {
        name: "payment.orders",
        binds: &[
            "order.created.v1",
            "order.confirmed.v1",
            "order.cancelled.v1",
            "order.paid.v1",
            "order.shipped.v1",
            "order.delivered.v1",
        ],
    };
    /// Users whom notification welcomes, and their password mails.
    pub const NOTIFICATION_USERS: Queue = Queue {
        name: "notification.users",
        binds: &[
            "user.registered.v1",
            "user.changed.v1",
            "user.email_changed.v1",
            "user.password_changed.v1",
            "user.password_reset_requested.v1",
        ],
    };
    /// Order changes of which customers are notified.
    pub const NOTIFICATION_ORDERS: Queue = Queue {
        name: "notification.orders",
        binds: &[
            "order.created.v1",
            "order.confirmed.v1",
            "order.cancelled.v1",
            "order.paid.v1",
            "order.shipped.v1",
            "order.delivered.v1",
        ],
    };
    /// Failed payments and refunds of which customers are notified.
    pub const NOTIFICATION_PAYMENTS: Queue = Queue {
        name: "notification.payments",
        binds: &["payment.failed.v1", "payment.refunded.v1", "payment.refund_failed.v1"],
    };
    /// Low stock of which administrators are notified.
    pub const NOTIFICATION_PRODUCTS: Queue = Queue { name: "notification.products", binds: &["stock.low.v1"] };
    /// Abandoned carts and wished products of which customers are notified.
    pub const NOTIFICATION_CARTS: Queue = Queue {
        name: "notification.carts",
        binds: &[
            "cart.checked_out.v1",
            "cart.expired.v1",
            "cart.abandoned.v1",
            "wishlist.back_in_stock.v1",
            "wishlist.price_dropped.v1",
        ],
    };
}
