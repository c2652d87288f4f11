//! The internal API of cart: the active items of a cart, and marking them as ordered.

use serde::{Deserialize, Serialize};
use souk_kit::{CallError, PeerClient, Peers, call::RetrySafety};
use souk_values::{OrderId, ProductId, UserId};
use utoipa::ToSchema;

/// Response of `GET /internal/carts/{userId}/lines`: the active items of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveLines {
    /// Active items of the cart, oldest first.
    pub lines: Vec<ActiveLine>,
}

/// One active item of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveLine {
    /// Id of the cart item.
    #[schema(min_length = 1, max_length = 64)]
    pub cart_item_id: String,
    /// Id of the product in the item.
    pub product_id: ProductId,
    /// Number of units, 1 to 99.
    #[schema(minimum = 1, maximum = 99)]
    pub quantity: u32,
}

/// Body of `POST /internal/carts/{userId}/ordered`: the items that became an order's lines. They carry their quantity,
/// because an item whose quantity has grown meanwhile is split.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderedRequest {
    /// Id of the order that contains the items.
    pub order_id: OrderId,
    /// Items in the order, with the ordered quantity.
    pub lines: Vec<ActiveLine>,
}

/// Client of cart's internal API.
#[derive(Debug, Clone)]
pub struct CartPeer(PeerClient);

impl CartPeer {
    /// Returns a client for calls of the service `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "cart"))
    }

    /// Returns the active items in the cart of `user`.
    pub async fn active_lines(&self, user: UserId) -> Result<Vec<ActiveLine>, CallError> {
        let ActiveLines { lines } = self.0.get(&format!("/internal/carts/{user}/lines")).await?;
        Ok(lines)
    }

    /// Marks `lines` as items of `order`. Idempotent.
    pub async fn mark_ordered(&self, user: UserId, order: OrderId, lines: Vec<ActiveLine>) -> Result<(), CallError> {
        let request = OrderedRequest { order_id: order, lines };
        self.0.post(&format!("/internal/carts/{user}/ordered"), &request, RetrySafety::Idempotent).await
    }
}
