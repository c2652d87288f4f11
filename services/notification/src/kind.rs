//! The kinds of notices, and which of them are mailed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a notice is about. Its name is also its templates' name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account was made.
    Welcome,
    /// A new password was asked for.
    PasswordReset,
    /// An order was placed.
    OrderReceived,
    /// Its stock is reserved.
    OrderConfirmed,
    /// It is over without a sale.
    OrderCancelled,
    /// Its money arrived.
    OrderPaid,
    /// It left the house.
    OrderShipped,
    /// It arrived. In the shop only, not mailed: the parcel itself told.
    OrderDelivered,
    /// An attempt to pay failed.
    PaymentFailed,
    /// Money went back.
    PaymentRefunded,
    /// A cart is about to lose an item.
    CartReminder,
    /// A wished product is back.
    BackInStock,
    /// A wished product costs less.
    PriceDropped,
    /// Few of a product are left; for admins.
    StockLow,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Welcome,
        Self::PasswordReset,
        Self::OrderReceived,
        Self::OrderConfirmed,
        Self::OrderCancelled,
        Self::OrderPaid,
        Self::OrderShipped,
        Self::OrderDelivered,
        Self::PaymentFailed,
        Self::PaymentRefunded,
        Self::CartReminder,
        Self::BackInStock,
        Self::PriceDropped,
        Self::StockLow,
    ];

    /// The name in stores, bodies, metrics and templates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::PasswordReset => "password_reset",
            Self::OrderReceived => "order_received",
            Self::OrderConfirmed => "order_confirmed",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderPaid => "order_paid",
            Self::OrderShipped => "order_shipped",
            Self::OrderDelivered => "order_delivered",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentRefunded => "payment_refunded",
            Self::CartReminder => "cart_reminder",
            Self::BackInStock => "back_in_stock",
            Self::PriceDropped => "price_dropped",
            Self::StockLow => "stock_low",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a mail goes out beside the notice in the shop.
    #[must_use]
    pub fn is_mailed(self) -> bool {
        self != Self::OrderDelivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_wire_form_and_leads_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::named("rumour"), None);
    }
}
