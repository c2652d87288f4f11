//! What payment tells: captures, refusals, refunds.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, PaymentId, RefundId, Timestamp, UserId};

use crate::envelope::events;

/// The order's amount was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSucceeded {
    /// Which attempt.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Who paid.
    pub user_id: UserId,
    /// How much.
    pub amount: Money,
    /// When the provider captured it.
    pub captured_at: Timestamp,
    /// Version of the payment.
    pub version: i64,
}

/// An attempt did not pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// Which attempt.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// How much was asked.
    pub amount: Money,
    /// `card_declined`, `insufficient_funds`, `provider_unavailable`.
    pub failure_code: String,
    /// Version of the payment.
    pub version: i64,
}

/// Money went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// This return.
    pub refund_id: RefundId,
    /// For which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// How much this time.
    pub amount: Money,
    /// How much in all so far.
    pub refunded_amount: Money,
    /// Whether all of the capture is returned.
    pub in_full: bool,
    /// When the provider returned it.
    pub refunded_at: Timestamp,
    /// Version of the payment.
    pub version: i64,
}

events! { "payment":
    PaymentSucceeded = "payment.succeeded.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
    PaymentFailed = "payment.failed.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
    PaymentRefunded = "payment.refunded.v1", subject |event| event.payment_id.to_string(), version |event| event.version;
}
