//! Events of payment: captures, failures and refunds.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, PaymentId, RefundId, Timestamp, UserId};

use crate::envelope::events;

/// The amount of an order was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSucceeded {
    /// Id of the payment attempt.
    pub payment_id: PaymentId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The customer who paid.
    pub user_id: UserId,
    /// Captured amount.
    pub amount: Money,
    /// Time of the capture at the provider.
    pub captured_at: Timestamp,
    /// Version of the payment after the event.
    pub version: i64,
}

/// An attempt to pay an order failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// Id of the payment attempt.
    pub payment_id: PaymentId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// Amount of the attempt.
    pub amount: Money,
    /// Stable code: `card_declined`, `insufficient_funds` or `provider_unavailable`.
    pub failure_code: String,
    /// Version of the payment after the event.
    pub version: i64,
}

/// A payment was refunded, in part or in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The refunded payment.
    pub payment_id: PaymentId,
    /// Id of this refund.
    pub refund_id: RefundId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// Amount of this refund.
    pub amount: Money,
    /// Sum of all refunds of the payment so far.
    pub refunded_amount: Money,
    /// True once the whole captured amount is refunded.
    pub in_full: bool,
    /// Time of the refund at the provider.
    pub refunded_at: Timestamp,
    /// Version of the payment after the event.
    pub version: i64,
}

/// A refund failed for good, and its amount is the customer's still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefundFailed {
    /// The payment of which a part was to be refunded.
    pub payment_id: PaymentId,
    /// Id of this refund.
    pub refund_id: RefundId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// Amount of this refund.
    pub amount: Money,
    /// Sum of the payment's refunds without this one.
    pub refunded_amount: Money,
    /// True if the refund was reported as returned before; the money then came back to the provider.
    pub had_succeeded: bool,
    /// Time at which the failure was found.
    pub failed_at: Timestamp,
    /// Version of the payment after the event.
    pub version: i64,
}

events! { "payment":
    PaymentSucceeded = "payment.succeeded.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
    PaymentFailed = "payment.failed.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
    PaymentRefunded = "payment.refunded.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
    PaymentRefundFailed = "payment.refund_failed.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
}
