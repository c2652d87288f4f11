//! The internal API of payment: the payment state of an order.

use serde::{Deserialize, Serialize};
use souk_events::PaymentSucceeded;
use souk_kit::{CallError, PeerClient, Peers};
use souk_values::{Money, OrderId, RefundId};

/// Response of `GET /internal/payments/state?orderId=`: the payment state of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentState {
    /// The capture in the form of its event, even if it has been refunded; absent if nothing was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<PaymentSucceeded>,
    /// True while an attempt is in progress whose outcome is unknown.
    pub processing: bool,
    /// Refunded part of the capture, zero if none; absent if nothing was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// The latest refund; absent unless the capture is refunded in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_refund: Option<RefundId>,
}

/// Client of payment's internal API.
#[derive(Debug, Clone)]
pub struct PaymentPeer(PeerClient);

impl PaymentPeer {
    /// Returns a client for calls of the service `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "payment"))
    }

    /// Returns the payment state of `order`. For an order unknown to payment, nothing is captured or in progress.
    pub async fn state(&self, order: OrderId) -> Result<PaymentState, CallError> {
        self.0.get(&format!("/internal/payments/state?orderId={order}")).await
    }
}
