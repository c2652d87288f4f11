//! A step of an order's timeline and its cause.

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, RefusedLine};
use souk_values::{Money, PaymentId, RefundId, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;

/// Kind of a step on an order's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStep)]
pub(crate) enum StepKind {
    Created,
    Confirmed,
    Paid,
    PaymentFailed,
    Shipped,
    Delivered,
    Cancelled,
    /// A refund that does not cancel the order: partial, after shipping, or of another payment.
    Refunded,
    /// A refund failed for good, or its money came back: the amount is the customer's still.
    RefundFailed,
}

impl StepKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Created,
        Self::Confirmed,
        Self::Paid,
        Self::PaymentFailed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
        Self::RefundFailed,
    ];

    /// Text in the store and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::PaymentFailed => "payment_failed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }
}

/// Cause of a step. An order has at most one step of a cause, so each cause takes effect once.
///
/// Captures and refunds are named by their own ids, not by event: payment's answer to a query and the event
/// that follows it are the same cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepCause {
    /// Id of an event about stock.
    Event(Uuid),
    Capture(PaymentId),
    FailedPayment(PaymentId),
    Refund(RefundId),
    FailedRefund(RefundId),
    /// Random id of a request.
    Request(Uuid),
    /// The payment deadline passed.
    Lapse,
    /// The deadline for product's answer about the stock passed.
    Undecided,
}

impl std::fmt::Display for StepCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event(id) => write!(f, "{id}"),
            Self::Capture(payment) => write!(f, "payment.succeeded/{payment}"),
            Self::FailedPayment(payment) => write!(f, "payment.failed/{payment}"),
            Self::Refund(refund) => write!(f, "payment.refunded/refund/{refund}"),
            Self::FailedRefund(refund) => write!(f, "payment.refund_failed/{refund}"),
            Self::Request(id) => write!(f, "request/{id}"),
            Self::Lapse => f.write_str("lapse"),
            Self::Undecided => f.write_str("undecided"),
        }
    }
}

/// Details of a step; fields that do not apply to its kind are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(example = json!({"carrier": "DHL", "trackingNumber": "00340434292135100186"}))]
pub(crate) struct StepDetail {
    /// Reason for the cancellation; present on `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<CancelReason>,
    /// Lines that were out of stock; present if `reason` is `out_of_stock`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused_lines: Vec<RefusedLine>,
    /// Id of the payment that was captured, failed or refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_id: Option<PaymentId>,
    /// Stable code of the failure, such as `card_declined`; present on `payment_failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure_code: Option<String>,
    /// Amount captured, refunded or to be refunded; present on `paid` and for refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Money>,
    /// True if the payment is now refunded completely; present for refunds that did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_full: Option<bool>,
    /// Name of the carrier, such as `DHL`; present on `shipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) carrier: Option<String>,
    /// Tracking number assigned by the carrier; present on `shipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracking_number: Option<String>,
}

/// A step as stored on the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Position on the timeline, from 1: the order's version after the step.
    pub(crate) number: i64,
    /// Time of the fact itself; for a capture or refund the one that payment reported.
    pub(crate) at: Timestamp,
    pub(crate) kind: StepKind,
    /// Text form of a [`StepCause`].
    pub(crate) cause: String,
    pub(crate) detail: Option<StepDetail>,
}
