//! The order and its timeline as the API shows them.

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

use crate::order::{Detail, Order, Status, Step, StepKind};

/// An order.
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
    /// Which order.
    order_id: OrderId,
    /// Whose.
    user_id: UserId,
    /// When it was placed.
    order_date: Timestamp,
    /// The latest milestone; the times say the rest.
    status: Status,
    /// Sum of its items.
    total_amount: Money,
    /// What was ordered.
    items: Vec<ItemView>,
    /// Where it goes.
    shipping_address: ShippingAddress,
    /// When it is paid.
    payment_terms: PaymentTerms,
    /// Until when a confirmed prepaid order can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<Timestamp>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<CancelReason>,
    /// With `out_of_stock`: which lines, and what there was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    refused_lines: Vec<RefusedLine>,
    /// When its stock was reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    /// When its money was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Timestamp>,
    /// When it was shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipped_at: Option<Timestamp>,
    /// When it was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<Timestamp>,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Timestamp>,
    /// When all of its money was returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_at: Option<Timestamp>,
    /// Grows by one with each change.
    version: i64,
}

/// One product of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderItem)]
pub(crate) struct ItemView {
    /// This line.
    order_item_id: OrderItemId,
    /// What was bought.
    product_id: ProductId,
    /// Its name then.
    name: String,
    /// 1 to 99.
    quantity: u32,
    /// For one, then.
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

/// An order as an answer, with its `ETag`.
pub(crate) struct Shown(pub Order);

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let tag = etag(self.0.version, None);
        (StatusCode::OK, [(header::ETAG, tag)], Json(OrderView::from(self.0))).into_response()
    }
}

/// A step of an order's timeline.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "at": "2026-01-31T12:00:00.250Z", "step": "confirmed", "cause": "019c13f8-2a00-7000-8000-000000000001"
}))]
pub(crate) struct TimelineEntry {
    /// When it became true.
    at: Timestamp,
    /// What happened.
    step: StepKind,
    /// The event or request that caused it; no two steps of an order share one.
    cause: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

impl From<Step> for TimelineEntry {
    fn from(step: Step) -> Self {
        Self { at: step.at, step: step.kind, cause: step.cause, detail: step.detail }
    }
}
