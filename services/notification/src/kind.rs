//! The kinds of notices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of event that a notice reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Welcome,
    PasswordReset,
    PasswordChanged,
    /// To the address that the account had before.
    EmailChanged,
    OrderReceived,
    OrderConfirmed,
    OrderCancelled,
    OrderPaid,
    OrderShipped,
    OrderDelivered,
    PaymentFailed,
    PaymentRefunded,
    /// To a customer whose refund came back.
    RefundReturned,
    /// To the admins: a refund failed.
    RefundFailed,
    CartReminder,
    BackInStock,
    PriceDropped,
    StockLow,
}

impl Kind {
    pub(crate) const ALL: [Self; 18] = [
        Self::Welcome,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::OrderReceived,
        Self::OrderConfirmed,
        Self::OrderCancelled,
        Self::OrderPaid,
        Self::OrderShipped,
        Self::OrderDelivered,
        Self::PaymentFailed,
        Self::PaymentRefunded,
        Self::RefundReturned,
        Self::RefundFailed,
        Self::CartReminder,
        Self::BackInStock,
        Self::PriceDropped,
        Self::StockLow,
    ];

    /// Name in the store, in bodies and metrics, and of the templates.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::OrderReceived => "order_received",
            Self::OrderConfirmed => "order_confirmed",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderPaid => "order_paid",
            Self::OrderShipped => "order_shipped",
            Self::OrderDelivered => "order_delivered",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentRefunded => "payment_refunded",
            Self::RefundReturned => "refund_returned",
            Self::RefundFailed => "refund_failed",
            Self::CartReminder => "cart_reminder",
            Self::BackInStock => "back_in_stock",
            Self::PriceDropped => "price_dropped",
            Self::StockLow => "stock_low",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Mails of this kind that one address gets within an hour at most; `None` for those that only a purchase or an admin
    /// causes. Each kind has a limit of its own, so that a flood of one does not keep a warning from its reader.
    pub(crate) fn hourly_limit(self) -> Option<u64> {
        match self {
            Self::Welcome | Self::PasswordReset | Self::EmailChanged | Self::PasswordChanged => Some(5),
            _ => None,
        }
    }

    /// True when a mail goes out with the notice.
    pub(crate) fn is_mailed(self) -> bool {
        // The customer already holds the parcel.
        self != Self::OrderDelivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_wire_form_and_parse_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::named("rumour"), None);
    }
}
