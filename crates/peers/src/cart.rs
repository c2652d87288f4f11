//! What cart answers its peers: what somebody has in the cart, and that it was ordered.

use serde::{Deserialize, Serialize};
use souk_kit::{CallError, PeerClient, Peers, call::Repeat};
use souk_values::{OrderId, ProductId, UserId};
use utoipa::ToSchema;

/// `GET /internal/carts/{userId}/lines`: the active items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveLines {
    /// Oldest first.
    pub lines: Vec<ActiveLine>,
}

/// One active item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveLine {
    /// Which item.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// 1 to 99.
    pub quantity: u32,
}

/// `POST /internal/carts/{userId}/ordered`: exactly these became an order's. Lines carry their
/// quantity, because an item that grew meanwhile is split.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderedRequest {
    /// Which order.
    pub order_id: OrderId,
    /// What it took.
    pub lines: Vec<ActiveLine>,
}

/// Asks cart.
#[derive(Debug, Clone)]
pub struct CartPeer(PeerClient);

impl CartPeer {
    /// For calls of `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "cart"))
    }

    /// What `user` has in the cart now.
    pub async fn active_lines(&self, user: UserId) -> Result<Vec<ActiveLine>, CallError> {
        let answer: ActiveLines = self.0.get(&format!("/internal/carts/{user}/lines")).await?;
        Ok(answer.lines)
    }

    /// Tells that `lines` became `order`'s. Repeating it changes nothing.
    pub async fn ordered(&self, user: UserId, order: OrderId, lines: Vec<ActiveLine>) -> Result<(), CallError> {
        let request = OrderedRequest { order_id: order, lines };
        self.0.post(&format!("/internal/carts/{user}/ordered"), &request, Repeat::Safe).await
    }
}
