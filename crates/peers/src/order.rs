//! What order answers its peers: the whole order as it is.

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, OrderFacts};
use souk_kit::{CallError, PeerClient, Peers};
use souk_values::OrderId;

/// `GET /internal/orders/{orderId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderNow {
    /// The order, with its version.
    pub order: OrderFacts,
    /// Whether stock is reserved for it and it was not cancelled: it may be paid.
    pub is_confirmed: bool,
    /// Whether its capture is noted.
    pub is_paid: bool,
    /// Why it is over, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReason>,
}

/// Asks order.
#[derive(Debug, Clone)]
pub struct OrderPeer(PeerClient);

impl OrderPeer {
    /// For calls of `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "order"))
    }

    /// The order as it is now; `None` when there is none.
    pub async fn order(&self, order: OrderId) -> Result<Option<OrderNow>, CallError> {
        match self.0.get(&format!("/internal/orders/{order}")).await {
            Ok(order) => Ok(Some(order)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
