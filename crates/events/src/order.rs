//! Events of order. Each carries the whole order after the change, so that a consumer can apply an event that arrives late
//! or out of order without the ones before it.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, OrderItemId, ProductId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::envelope::events;

/// The address to which an order is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingAddress {
    /// Full name of the recipient.
    pub name: String,
    /// Street and house number.
    pub line1: String,
    /// Floor, company or care of; absent if not needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town of the address.
    pub city: String,
    /// Postal code of the town; absent where the country has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country as ISO 3166-1 alpha-2 code, such as `DE`.
    pub country: String,
    /// Phone number for the carrier; absent if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// The time at which the customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PaymentTerms {
    /// Before shipping, at the latest at `payBy`.
    #[default]
    Prepaid,
    /// On delivery, or at any other time.
    OnDelivery,
}

/// The reason for cancelling an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The stock did not suffice for some line.
    OutOfStock,
    /// Cancelled by the customer.
    Customer,
    /// Cancelled by an administrator.
    Admin,
    /// Not paid by the deadline `payBy`.
    Unpaid,
    /// Neither reserved nor refused in time: product's answer did not arrive.
    Undecided,
    /// Fully refunded before it was shipped.
    Refunded,
}

/// One line of an order, with name and price at the time the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// Id of the line.
    pub order_item_id: OrderItemId,
    /// The ordered product.
    pub product_id: ProductId,
    /// Name of the product.
    pub name: String,
    /// Number of units, 1 to 99.
    pub quantity: u32,
    /// Price of one unit.
    pub price: Money,
    /// Id of the cart item that became this line; absent if the order did not come from a cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_item_id: Option<String>,
}

/// A line of an order for which the stock did not suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedLine {
    /// Id of the product whose stock did not suffice.
    pub product_id: ProductId,
    /// Number of units that were ordered.
    pub requested: u32,
    /// Number of units that were in stock.
    pub available: u32,
}

/// The state of an order after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFacts {
    /// Id of the order.
    pub order_id: OrderId,
    /// Id of the customer.
    pub user_id: UserId,
    /// Time at which the order was placed.
    pub order_date: Timestamp,
    /// Sum of all lines.
    pub total_amount: Money,
    /// Lines of the order.
    pub items: Vec<OrderLine>,
    /// Delivery address.
    pub shipping_address: ShippingAddress,
    /// Time at which the customer pays.
    pub payment_terms: PaymentTerms,
    /// Deadline for the payment of a confirmed prepaid order; absent in other states and on other terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_by: Option<Timestamp>,
    /// Version of the order, which grows by one with every change.
    pub version: i64,
}

/// An order was placed, and its stock is to be reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// The order after the change.
    pub order: OrderFacts,
}

/// The stock of an order is reserved. It can be paid until `order.pay_by`, or without limit on the terms `onDelivery`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The order after the change.
    pub order: OrderFacts,
}

/// An order was cancelled. Its reserved stock is to be released and captured money refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order after the change.
    pub order: OrderFacts,
    /// Reason for the cancellation.
    pub reason: CancelReason,
    /// Lines whose stock did not suffice; empty unless the reason is `out_of_stock`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_lines: Vec<RefusedLine>,
}

/// The payment of an order was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPaid {
    /// The order after the change.
    pub order: OrderFacts,
    /// Time of the capture.
    pub paid_at: Timestamp,
}

/// An order was handed to the carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The order after the change.
    pub order: OrderFacts,
    /// Name of the carrier.
    pub carrier: String,
    /// Tracking number of the carrier.
    pub tracking_number: String,
    /// Time at which the order was shipped.
    pub shipped_at: Timestamp,
}

/// An order was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The order after the change.
    pub order: OrderFacts,
    /// Time of the delivery.
    pub delivered_at: Timestamp,
}

events! { "order":
    OrderCreated = "order.created.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
    OrderConfirmed = "order.confirmed.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
    OrderCancelled = "order.cancelled.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
    OrderPaid = "order.paid.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
    OrderShipped = "order.shipped.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
    OrderDelivered = "order.delivered.v1", subject |event| event.order.order_id.to_string(), version |event| event.order.version;
}
