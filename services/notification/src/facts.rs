//! The values that a notice reports: for pages that show it in the reader's own language and form of dates and prices.

use serde::{Deserialize, Serialize};
use souk_events::CancelReason;
use souk_values::{Money, OrderId, ProductId, Timestamp};
use utoipa::ToSchema;

/// Values that a notice reports; each is absent from the kinds of notices that it does not concern.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "orderId": 246_290_604_621_900_i64, "amount": {"amount": 3_998, "currency": "EUR"},
    "payBy": "2026-01-31T12:30:00.000Z"
}))]
pub(crate) struct NoticeFacts {
    /// Order that the notice is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Total of the order, or the amount of the payment or refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Deadline for paying a confirmed order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay_by: Option<Timestamp>,
    /// Reason for the cancellation of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReason>,
    /// Carrier that has the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Number under which the carrier tracks the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// Reason for a failed payment, as in `failureCode` of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// Product that the notice is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Name of that product in the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// Price of that product now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Price of that product before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_price: Option<Money>,
    /// Number of units that can be bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
    /// Number of items in the cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// Time at which the items of the cart are released, or a link stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
