//! What payment answers its peers: how far the money of an order is.

use serde::{Deserialize, Serialize};
use souk_events::PaymentSucceeded;
use souk_kit::{CallError, PeerClient, Peers};
use souk_values::{Money, OrderId};

/// `GET /internal/payments/state?orderId=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentState {
    /// The capture, as its event tells it; also when it is refunded meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<PaymentSucceeded>,
    /// Whether an attempt is under way whose outcome is not known.
    pub processing: bool,
    /// What went back of the capture; `None` when nothing was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
}

/// Asks payment.
#[derive(Debug, Clone)]
pub struct PaymentPeer(PeerClient);

impl PaymentPeer {
    /// For calls of `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "payment"))
    }

    /// How far the money of `order` is; of an order that payment does not know, nothing is.
    pub async fn state(&self, order: OrderId) -> Result<PaymentState, CallError> {
        self.0.get(&format!("/internal/payments/state?orderId={order}")).await
    }
}
