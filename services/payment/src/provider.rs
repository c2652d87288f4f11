//! Payment providers: the operations that each implementation offers, and what came of them.

pub mod sandbox;
pub mod stripe;

mod guarded;

use std::time::Duration;

use axum::http::HeaderMap;
use souk_resilience::TimedOut;
use souk_values::{Money, PaymentId, RefundId, Secret, Timestamp};

pub(crate) use guarded::{Provider, Providers};

use crate::{payment::FailureCode, provider_account::ProviderAccount, store::StoreError};

/// State of a charge at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money is captured.
    Captured { at: Timestamp },
    /// The provider declined; nothing is ever captured under this key.
    Declined(FailureCode),
    /// The key was closed before a charge arrived; a later charge is refused.
    Closed,
    /// The provider is still processing the charge.
    Pending,
    /// Nothing is charged under the key, and a charge may still arrive.
    Unknown,
}

/// State of a refund at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money is returned.
    Done { at: Timestamp },
    /// The provider refuses; nothing is ever returned under this key.
    Refused,
    /// The provider is still processing the refund.
    Pending,
    /// The provider has never received the key.
    Unknown,
}

/// A provider operation without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The request provably was not sent: connection refused, breaker open.
    #[error("the request was not sent to the provider: {0}")]
    Unsent(String),
    /// The provider rejected the request as invalid and did nothing: a wrong API key, or a defect of the shop's.
    #[error("the provider refused the request: {0}")]
    Refused(String),
    /// The request may have taken effect.
    #[error("the provider's response was lost: {0}")]
    Lost(String),
    /// The provider answered with an error of its own, which it repeats under the same key. The request may have taken
    /// effect.
    #[error("the provider failed: {0}")]
    Failed(String),
    /// The provider received too many requests and did nothing.
    #[error("the provider receives too many requests: {cause}")]
    Limited {
        cause: String,
        /// Time until which no request shall be sent, from now on.
        retry_after: Duration,
    },
    /// The provider's reference cannot be read or written. The request may have taken effect.
    #[error("the store failed: {0}")]
    Store(String),
}

impl From<TimedOut> for ProviderError {
    fn from(error: TimedOut) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// An authenticated webhook: the payment to query from the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookEvent {
    pub payment_id: PaymentId,
    /// Refund of the payment; `None` unless the webhook is about a refund of this shop.
    pub refund_id: Option<RefundId>,
}

/// A webhook that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("the webhook's signature is missing or wrong")]
    SignatureInvalid,
    /// Signed by the provider, but not in its documented form.
    #[error("the webhook's body cannot be read")]
    Unreadable,
}

/// A refund as it is sent to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundCall {
    pub refund_id: RefundId,
    /// The captured payment.
    pub payment_id: PaymentId,
    pub amount: Money,
    /// Number of the attempt, from 1. Two attempts have different keys at the provider.
    pub attempt: i64,
}

/// A payment provider. Each operation is idempotent on its key: a repetition returns the outcome of the first call.
#[async_trait::async_trait]
pub trait PaymentProvider: Send + Sync + std::fmt::Debug {
    /// The account here that takes the money.
    fn account(&self) -> &ProviderAccount;
    /// True for a token that this provider may have issued. Checked before anything is stored.
    fn accepts(&self, token: &Secret) -> bool;
    /// Captures `amount`, once for each `payment_id`. Called once in a payment's life.
    async fn charge(
        &self,
        payment_id: PaymentId,
        amount: Money,
        token: &Secret,
    ) -> Result<ChargeOutcome, ProviderError>;
    /// Queries the outcome of a charge.
    async fn lookup(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError>;
    /// Closes a key under which nothing was captured, so that a charge still on its way is refused. Returns the outcome
    /// that the key has afterwards.
    async fn close(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError>;
    /// Returns a part of a capture to the customer, once for each refund and attempt.
    async fn refund(&self, refund: RefundCall) -> Result<RefundOutcome, ProviderError>;
    /// Queries the outcome of a refund of `payment_id`.
    async fn lookup_refund(&self, refund_id: RefundId, payment_id: PaymentId) -> Result<RefundOutcome, ProviderError>;
    /// Verifies the signature of a webhook and reads it; `None` when it concerns no payment of this shop.
    fn read_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError>;
}
