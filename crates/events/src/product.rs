//! Events of product: reservations of stock, and changes of products and their stock.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, ProductId};

use crate::{RefusedLine, envelope::events};

/// The stock of all lines of an order is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The order whose lines were to be reserved.
    pub order_id: OrderId,
    /// Version of the order that requested the reservation.
    pub order_version: i64,
}

/// The stock did not suffice for some line of an order, and nothing was reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockRejected {
    /// The order whose lines were to be reserved.
    pub order_id: OrderId,
    /// Version of the order that requested the reservation.
    pub order_version: i64,
    /// Lines whose stock did not suffice.
    pub refused_lines: Vec<RefusedLine>,
}

/// A product was created, edited or hidden, sold out, or came back in stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// Id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit of the product.
    pub sku: String,
    /// Name of the product.
    pub name: String,
    /// Price of one unit.
    pub price: Money,
    /// Number of available units.
    pub stock: i64,
    /// True for a product that is no longer in the catalogue.
    pub hidden: bool,
    /// Readable part of its URL. Absent in events of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// URL of its main picture; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Revision of the product, which grows with every change that this event reports.
    pub revision: i64,
}

/// The stock of a product fell to its threshold. Published once per fall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLow {
    /// Id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit of the product.
    pub sku: String,
    /// Name of the product.
    pub name: String,
    /// Number of available units.
    pub stock: i64,
    /// Number of units at or below which the stock is low.
    pub low_stock_at: i64,
    /// Revision of the product after the event.
    pub revision: i64,
}

/// A product that was sold out is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockBack {
    /// Id of the product.
    pub product_id: ProductId,
    /// Name of the product.
    pub name: String,
    /// Price of one unit.
    pub price: Money,
    /// Number of available units.
    pub stock: i64,
    /// Revision of the product after the event.
    pub revision: i64,
}

events! { "product":
    StockReserved = "stock.reserved.v1", subject |event| event.order_id.to_string(), version |event| event.order_version;
    StockRejected = "stock.rejected.v1", subject |event| event.order_id.to_string(), version |event| event.order_version;
    ProductChanged = "product.changed.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
    StockLow = "stock.low.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
    StockBack = "stock.back.v1", subject |event| event.product_id.to_string(), version |event| event.revision;
}
