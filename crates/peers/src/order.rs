//! The internal API of order: the current state of an order.

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, OrderFacts};
use souk_kit::{CallError, PeerClient, Peers};
use souk_values::OrderId;

/// Response of `GET /internal/orders/{orderId}`: the current state of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSnapshot {
    /// The order with its version.
    pub order: OrderFacts,
    /// True while the order can be paid: its stock is reserved, and it is not cancelled.
    pub is_confirmed: bool,
    /// True once order has recorded the capture of the payment.
    pub is_paid: bool,
    /// Reason for the cancellation; absent for an order that is not cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReason>,
}

/// Client of order's internal API.
#[derive(Debug, Clone)]
pub struct OrderPeer(PeerClient);

impl OrderPeer {
    /// Returns a client for calls of the service `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "order"))
    }

    /// Returns the current state of `order`; `None` if it does not exist.
    pub async fn order(&self, order: OrderId) -> Result<Option<OrderSnapshot>, CallError> {
        match self.0.get(&format!("/internal/orders/{order}")).await {
            Ok(order) => Ok(Some(order)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
