//! The payment provider: the operations that each implementation offers, behind a circuit breaker and a time limit.

pub mod sandbox;
pub mod stripe;

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use souk_resilience::{Breaker, TimeLimit, TimedOut};
use souk_values::{Clock, Money, PaymentId, RefundId, Secret, Timestamp};

use crate::{config::PaymentConfig, payment::FailureCode, store::StoreError};

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

/// A payment provider. Each operation is idempotent on its key: a repetition returns the outcome of the first call.
#[async_trait::async_trait]
pub trait PaymentProvider: Send + Sync + std::fmt::Debug {
    /// Name in the path of the provider's webhooks.
    fn name(&self) -> &'static str;
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
    /// Returns `amount` of a capture to the customer, once for each `refund_id`.
    async fn refund(
        &self,
        refund_id: RefundId,
        payment_id: PaymentId,
        amount: Money,
    ) -> Result<RefundOutcome, ProviderError>;
    /// Queries the outcome of a refund of `payment_id`.
    async fn lookup_refund(&self, refund_id: RefundId, payment_id: PaymentId) -> Result<RefundOutcome, ProviderError>;
    /// Verifies the signature of a webhook and reads it; `None` when it concerns no payment of this shop.
    fn read_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError>;
}

/// The provider behind its circuit breaker and time limit. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    inner: Arc<dyn PaymentProvider>,
    breaker: Arc<Breaker>,
    limit: Arc<TimeLimit>,
}

impl Provider {
    pub(crate) fn new(inner: Arc<dyn PaymentProvider>, config: &PaymentConfig, clock: Arc<dyn Clock>) -> Self {
        let breaker = Breaker::new("payment", inner.name(), config.provider_breaker.clone(), clock);
        let limit =
            Arc::new(TimeLimit::new("payment", inner.name(), Duration::from_millis(config.provider_time_limit_ms)));
        Self { inner, breaker, limit }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.inner.name()
    }

    pub(crate) fn accepts(&self, token: &Secret) -> bool {
        self.inner.accepts(token)
    }

    pub(crate) fn read_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError> {
        self.inner.read_webhook(headers, body)
    }

    pub(crate) async fn charge(
        &self,
        id: PaymentId,
        amount: Money,
        token: &Secret,
    ) -> Result<ChargeOutcome, ProviderError> {
        self.call(self.inner.charge(id, amount, token), |_| false).await
    }

    pub(crate) async fn lookup(&self, id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.call(self.inner.lookup(id), may_be_local).await
    }

    pub(crate) async fn close(&self, id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.call(self.inner.close(id), may_be_local).await
    }

    pub(crate) async fn refund(
        &self,
        id: RefundId,
        payment: PaymentId,
        amount: Money,
    ) -> Result<RefundOutcome, ProviderError> {
        self.call(self.inner.refund(id, payment, amount), |_| false).await
    }

    pub(crate) async fn lookup_refund(&self, id: RefundId, payment: PaymentId) -> Result<RefundOutcome, ProviderError> {
        self.call(self.inner.lookup_refund(id, payment), |_| false).await
    }

    /// Runs `request` if the breaker permits. An outcome that `is_inconclusive` about the provider's health is not
    /// counted by the breaker.
    async fn call<T>(
        &self,
        request: impl Future<Output = Result<T, ProviderError>>,
        is_inconclusive: fn(&T) -> bool,
    ) -> Result<T, ProviderError> {
        // Nothing is sent before the permit: a future does nothing until it is polled.
        let permit = self.breaker.acquire().map_err(|denied| ProviderError::Unsent(denied.to_string()))?;
        let result = self.limit.run(request).await;
        match &result {
            Ok(outcome) if is_inconclusive(outcome) => permit.ignore(),
            Ok(_) => permit.success(),
            Err(ProviderError::Refused(cause)) => {
                tracing::error!(provider = self.name(), error = cause, "the provider refused a request as invalid");
                permit.success();
            }
            Err(ProviderError::Store(_)) => permit.ignore(),
            Err(ProviderError::Unsent(_) | ProviderError::Lost(_)) => permit.failure(),
        }
        result
    }
}

/// True for an outcome that may come from the shop's own store. Counted as a success, it would keep the breaker closed
/// during an outage of the provider.
fn may_be_local(outcome: &ChargeOutcome) -> bool {
    matches!(outcome, ChargeOutcome::Unknown | ChargeOutcome::Closed)
}
