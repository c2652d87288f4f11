//! What product answers its peers: the shop's price of things.

use serde::{Deserialize, Serialize};
use souk_kit::{CallError, PeerClient, Peers, call::Repeat};
use souk_values::{Money, ProductId};
use utoipa::ToSchema;

/// `POST /internal/products/quote`: what do these cost, and are they there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoteRequest {
    /// What is asked for; at most 200, a product once.
    pub items: Vec<QuoteItem>,
}

/// One product and how many.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoteItem {
    /// Which.
    pub product_id: ProductId,
    /// 1 to 99.
    pub quantity: u32,
}

/// The shop's answer; products that it does not sell are missing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// In the order asked.
    pub items: Vec<QuotedItem>,
}

/// A product at the price of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotedItem {
    /// Which.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// What can be bought now; a hint, only a reservation holds.
    pub stock: i64,
    /// The product's revision, as `product.changed` carries it.
    pub revision: i64,
}

/// Asks product.
#[derive(Debug, Clone)]
pub struct ProductPeer(PeerClient);

impl ProductPeer {
    /// For calls of `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "product"))
    }

    /// What `items` cost now.
    pub async fn quote(&self, items: Vec<QuoteItem>) -> Result<Quote, CallError> {
        self.0.post("/internal/products/quote", &QuoteRequest { items }, Repeat::Safe).await
    }
}
