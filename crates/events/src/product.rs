//! What product tells: reservations, and changes of what can be bought.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, ProductId};

use crate::{RefusedLine, envelope::events};

/// Every line of an order is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// For which order.
    pub order_id: OrderId,
    /// Version of the order that asked.
    pub order_version: i64,
}

/// Some line of an order could not be had; nothing was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockRejected {
    /// For which order.
    pub order_id: OrderId,
    /// Version of the order that asked.
    pub order_version: i64,
    /// Which lines, and what there was.
    pub refused_lines: Vec<RefusedLine>,
}

/// A product was made, edited, hidden, sold out or is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// Which product.
    pub product_id: ProductId,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// What can be bought now.
    pub stock: i64,
    /// No longer in the catalogue.
    pub hidden: bool,
    /// Grows with each change that this event tells, of stock as well.
    pub revision: i64,
}

/// Few are left; sent once as the threshold is crossed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLow {
    /// Which product.
    pub product_id: ProductId,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How many are left.
    pub stock: i64,
    /// The threshold.
    pub low_stock_at: i64,
    /// The product's revision.
    pub revision: i64,
}

/// A product that was sold out can be bought again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockBack {
    /// Which product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// How many there are.
    pub stock: i64,
    /// The product's revision.
    pub revision: i64,
}

events! { "product":
    StockReserved = "stock.reserved.v1", subject |event| event.order_id.to_string(), version |event| event.order_version;
    StockRejected = "stock.rejected.v1", subject |event| event.order_id.to_string(), version |event| event.order_version;
    ProductChanged = "product.changed.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
    StockLow = "stock.low.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
    StockBack = "stock.back.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
}
