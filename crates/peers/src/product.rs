//! The internal API of product: quotes with current prices.

use serde::{Deserialize, Serialize};
use souk_kit::{CallError, PeerClient, Peers, call::RetrySafety};
use souk_values::{Money, ProductId};
use utoipa::ToSchema;

/// Body of `POST /internal/products/quote`: the products to quote.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoteRequest {
    /// Products to quote, at most 200, each once.
    pub items: Vec<QuoteItem>,
}

/// One product with a quantity.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoteItem {
    /// Id of the product to quote.
    pub product_id: ProductId,
    /// Number of units, 1 to 99.
    pub quantity: u32,
}

/// Current prices and stock of the requested products. Products that the shop does not sell are left out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Quoted products in the order of the request.
    pub items: Vec<QuotedItem>,
}

/// A product with its current price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotedItem {
    /// Id of the quoted product.
    pub product_id: ProductId,
    /// Name of the product in the catalogue.
    pub name: String,
    /// Current price of one unit.
    pub price: Money,
    /// Number of available units. Not binding: only a reservation guarantees them.
    pub stock: i64,
    /// Revision of the product, the same as in the event `product.changed`.
    pub revision: i64,
    /// Readable part of its URL. Absent in responses of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// URL of its main picture; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
}

/// Client of product's internal API.
#[derive(Debug, Clone)]
pub struct ProductPeer(PeerClient);

impl ProductPeer {
    /// Returns a client for calls of the service `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "product"))
    }

    /// Returns the current prices and stock of `items`.
    pub async fn quote(&self, items: Vec<QuoteItem>) -> Result<Quote, CallError> {
        self.0.post("/internal/products/quote", &QuoteRequest { items }, RetrySafety::Idempotent).await
    }
}
