//! JSON of an order and its timeline.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_events::{CancelReason, OrderLine, PaymentTerms, RefusedLine, ShippingAddress};
use souk_kit::extract::etag;
use souk_values::{Money, OrderId, OrderItemId, ProductId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::order::{Order, OrderStatus, Step, StepDetail, StepKind};

/// An order with its lines, milestones and status.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order, example = json!({
    "orderId": 246_290_604_621_824_i64, "userId": 246_290_604_600_001_i64,
    "orderDate": "2026-01-31T12:00:00.000Z", "status": "confirmed",
    "totalAmount": {"amount": 3998, "currency": "EUR"},
    "items": [{
        "orderItemId": 246_290_604_700_001_i64, "productId": 1001, "name": "Linen shirt", "quantity": 2,
        "price": {"amount": 1999, "currency": "EUR"}
    }],
    "shippingAddress": {
        "name": "Ada Lovelace", "line1": "1 Long Street", "city": "Berlin", "postalCode": "10115", "country": "DE"
    },
    "paymentTerms": "prepaid", "payBy": "2026-01-31T12:30:00.250Z",
    "confirmedAt": "2026-01-31T12:00:00.250Z", "version": 2
}))]
pub(crate) struct OrderView {
    /// Id of the order.
    order_id: OrderId,
    /// Id of the customer who placed it.
    user_id: UserId,
    /// Time of placing the order (RFC 3339, UTC).
    order_date: Timestamp,
    /// Latest milestone; the `...At` fields give the time of each.
    status: OrderStatus,
    /// Sum of the items' prices times quantities.
    total_amount: Money,
    /// Ordered products at the prices of the time of placing.
    items: Vec<ItemView>,
    /// Address to which the order is shipped.
    shipping_address: ShippingAddress,
    /// Time of payment: `prepaid` or `onDelivery`.
    payment_terms: PaymentTerms,
    /// Deadline for payment; absent until confirmed and for `onDelivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<Timestamp>,
    /// Reason for the cancellation; absent unless cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<CancelReason>,
    /// Lines that were out of stock; absent unless `cancelReason` is `out_of_stock`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    refused_lines: Vec<RefusedLine>,
    /// Time at which the stock was reserved; absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    /// Time at which the payment was captured; absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Timestamp>,
    /// Time at which the order was shipped; absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipped_at: Option<Timestamp>,
    /// Time at which the order was delivered; absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<Timestamp>,
    /// Time at which the order was cancelled; absent unless cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Timestamp>,
    /// Time at which the payment was refunded completely; absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_at: Option<Timestamp>,
    /// Version of the order: 1 when placed, plus one for each change.
    version: i64,
}

/// One line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderItem)]
pub(crate) struct ItemView {
    /// Id of this line.
    order_item_id: OrderItemId,
    /// Id of the ordered product.
    product_id: ProductId,
    /// Name of the product at the time of placing.
    name: String,
    /// Number of units, 1 to 99.
    quantity: u32,
    /// Price of one unit at the time of placing.
    price: Money,
}

impl From<OrderLine> for ItemView {
    fn from(line: OrderLine) -> Self {
        Self {
            order_item_id: line.order_item_id,
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
            price: line.price,
        }
    }
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        Self {
            status: order.status(),
            order_id: order.order_id,
            user_id: order.user_id,
            order_date: order.order_date,
            total_amount: order.total_amount,
            items: order.lines.into_iter().map(ItemView::from).collect(),
            shipping_address: order.shipping_address,
            payment_terms: order.payment_terms,
            pay_by: order.pay_by,
            cancel_reason: order.cancel_reason,
            refused_lines: order.refused_lines,
            confirmed_at: order.confirmed_at,
            paid_at: order.paid_at,
            shipped_at: order.shipped_at,
            delivered_at: order.delivered_at,
            cancelled_at: order.cancelled_at,
            refunded_at: order.refunded_at,
            version: order.version,
        }
    }
}

/// Response with an order and its `ETag`.
pub(crate) struct OrderResponse(pub(crate) Order);

impl IntoResponse for OrderResponse {
    fn into_response(self) -> Response {
        let tag = etag(self.0.version, None);
        (StatusCode::OK, [(header::ETAG, tag)], Json(OrderView::from(self.0))).into_response()
    }
}

/// One step of an order's timeline.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "at": "2026-01-31T12:00:00.250Z", "step": "confirmed", "cause": "019c13f8-2a00-7000-8000-000000000001"
}))]
pub(crate) struct TimelineEntry {
    /// Time of the step (RFC 3339, UTC).
    at: Timestamp,
    /// Kind of the step, such as `confirmed`.
    step: StepKind,
    /// Event or request that caused the step; unique within the order.
    cause: String,
    /// Details of the step; absent if its kind has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<StepDetail>,
}

impl From<Step> for TimelineEntry {
    fn from(step: Step) -> Self {
        Self { at: step.at, step: step.kind, cause: step.cause, detail: step.detail }
    }
}
