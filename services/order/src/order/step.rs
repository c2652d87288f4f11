//! A step of an order's timeline: when, what, and by which cause.

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, RefusedLine};
use souk_values::{Money, PaymentId, RefundId, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStep)]
pub enum StepKind {
    /// It was placed.
    Created,
    /// Its stock is reserved.
    Confirmed,
    /// Its money was captured.
    Paid,
    /// An attempt to pay failed.
    PaymentFailed,
    /// It was shipped.
    Shipped,
    /// It was delivered.
    Delivered,
    /// It was cancelled.
    Cancelled,
    /// Money went back.
    Refunded,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Confirmed,
        Self::Paid,
        Self::PaymentFailed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// As stores and bodies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::PaymentFailed => "payment_failed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

/// What caused a step. An order has at most one step of a cause, so each cause has its effect once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An event, by its id.
    Event(Uuid),
    /// A capture, whether its event tells it or payment was asked.
    Capture(PaymentId),
    /// A failed attempt to pay.
    FailedPayment(PaymentId),
    /// The return of all of a capture, whether its event tells it or payment was asked.
    FullRefund(PaymentId),
    /// The return of a part.
    PartialRefund(RefundId),
    /// Somebody's request.
    Request(Uuid),
    /// The time to pay ran out.
    Lapse,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event(id) => write!(f, "{id}"),
            Self::Capture(payment) => write!(f, "payment.succeeded/{payment}"),
            Self::FailedPayment(payment) => write!(f, "payment.failed/{payment}"),
            Self::FullRefund(payment) => write!(f, "payment.refunded/{payment}"),
            Self::PartialRefund(refund) => write!(f, "payment.refunded/refund/{refund}"),
            Self::Request(id) => write!(f, "request/{id}"),
            Self::Lapse => f.write_str("lapse"),
        }
    }
}

/// More about a step; what does not apply is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sea_orm::FromJsonQueryResult)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = StepDetail, example = json!({"carrier": "DHL", "trackingNumber": "00340434292135100186"}))]
pub struct Detail {
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
    /// Which lines could not be had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_lines: Vec<RefusedLine>,
    /// Which payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// Why the payment failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// How much was captured or went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Whether all of a capture went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_full: Option<bool>,
    /// Who brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order's version after it; the step's number on the timeline.
    pub number: i64,
    /// When it became true.
    pub at: Timestamp,
    /// What happened.
    pub kind: StepKind,
    /// By what, as [`Cause`] shows itself.
    pub cause: String,
    /// More about it.
    pub detail: Option<Detail>,
}
