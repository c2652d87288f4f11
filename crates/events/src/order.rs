//! What order tells. Each event carries the whole order as it is after the fact, so that one read
//! late or out of turn is enough to act on.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, OrderItemId, ProductId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::envelope::events;

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShippingAddress {
    /// Who receives it.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Floor, company, care of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// When the customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PaymentTerms {
    /// Before shipping, until `payBy`.
    #[default]
    Prepaid,
    /// On delivery or whenever it suits.
    OnDelivery,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The shop had too few of some line.
    OutOfStock,
    /// The customer did.
    Customer,
    /// An admin did.
    Admin,
    /// Not paid by `payBy`.
    Unpaid,
    /// Refunded in full before it was shipped.
    Refunded,
}

/// One product of an order, at the price of the moment it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// This line.
    pub order_item_id: OrderItemId,
    /// What was bought.
    pub product_id: ProductId,
    /// Its name then.
    pub name: String,
    /// 1 to 99.
    pub quantity: u32,
    /// For one.
    pub price: Money,
    /// The cart's line it came from, if it came from the cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_item_id: Option<String>,
}

/// A line that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedLine {
    /// Which product.
    pub product_id: ProductId,
    /// How many were asked for.
    pub requested: u32,
    /// How many could be had.
    pub available: u32,
}

/// The whole order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFacts {
    /// Which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// When it was placed.
    pub order_date: Timestamp,
    /// Sum of its lines.
    pub total_amount: Money,
    /// What was ordered.
    pub items: Vec<OrderLine>,
    /// Where it goes.
    pub shipping_address: ShippingAddress,
    /// When it is paid.
    pub payment_terms: PaymentTerms,
    /// Until when a confirmed prepaid order can be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_by: Option<Timestamp>,
    /// Grows by one with each change.
    pub version: i64,
}

/// An order was placed: stock is to be reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// The order.
    pub order: OrderFacts,
}

/// Its stock is reserved; it can be paid until `order.pay_by` (onDelivery: without limit).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The order.
    pub order: OrderFacts,
}

/// It is over without a sale: units go back, money goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order: OrderFacts,
    /// Why.
    pub reason: CancelReason,
    /// With `out_of_stock`: which lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_lines: Vec<RefusedLine>,
}

/// Its money is captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPaid {
    /// The order.
    pub order: OrderFacts,
    /// When.
    pub paid_at: Timestamp,
}

/// It left the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The order.
    pub order: OrderFacts,
    /// Who brings it.
    pub carrier: String,
    /// The carrier's number for it.
    pub tracking_number: String,
    /// When.
    pub shipped_at: Timestamp,
}

/// It arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The order.
    pub order: OrderFacts,
    /// When.
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
