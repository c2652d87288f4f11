//! The whole topology in one table: every queue of every service, and what is routed to it. Each
//! service declares all of it before it publishes, so that no event is confirmed into the void.

/// A durable queue of one service, for one purpose.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    /// `service.purpose`.
    pub name: &'static str,
    /// The event types routed to it.
    pub binds: &'static [&'static str],
}

impl Queue {
    /// The service that consumes it.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(service, _)| service)
    }
}

/// Every queue.
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

/// The queues by name.
pub mod queue {
    use super::Queue;

    /// Reserve, sell, give back.
    pub const PRODUCT_ORDERS: Queue = Queue {
        name: "product.orders",
        binds: &["order.created.v1", "order.cancelled.v1", "order.paid.v1", "order.shipped.v1"],
    };
    /// Confirm or refuse.
    pub const ORDER_STOCK: Queue = Queue { name: "order.stock", binds: &["stock.reserved.v1", "stock.rejected.v1"] };
    /// Paid, failed, refunded.
    pub const ORDER_PAYMENTS: Queue =
        Queue { name: "order.payments", binds: &["payment.succeeded.v1", "payment.failed.v1", "payment.refunded.v1"] };
    /// Move lines to ordered, purchased or back.
    pub const CART_ORDERS: Queue =
        Queue { name: "cart.orders", binds: &["order.created.v1", "order.cancelled.v1", "order.paid.v1"] };
    /// Names, prices and availability; wishes met.
    pub const CART_PRODUCTS: Queue = Queue { name: "cart.products", binds: &["product.changed.v1", "stock.back.v1"] };
    /// Payment's own copy of each order.
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
    /// Contacts, welcome, password mails.
    pub const NOTIFICATION_USERS: Queue = Queue {
        name: "notification.users",
        binds: &["user.registered.v1", "user.changed.v1", "user.password_reset_requested.v1"],
    };
    /// A customer's news of an order.
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
    /// Failed payments and refunds.
    pub const NOTIFICATION_PAYMENTS: Queue =
        Queue { name: "notification.payments", binds: &["payment.failed.v1", "payment.refunded.v1"] };
    /// Low stock, for admins.
    pub const NOTIFICATION_PRODUCTS: Queue = Queue { name: "notification.products", binds: &["stock.low.v1"] };
    /// Reminders and wishes.
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
