//! Who charges cards: what a provider can be asked, and how it is called.

pub mod sandbox;
pub mod stripe;

use std::sync::Arc;

use axum::http::HeaderMap;
use souk_resilience::{Breaker, TimeLimit, TimedOut};
use souk_values::{Clock, Money, PaymentId, RefundId, Secret, Timestamp};

use crate::{config::PaymentConfig, payment::FailureCode, store::StoreError};

/// What a provider says of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// The money is captured.
    Captured {
        /// When.
        at: Timestamp,
    },
    /// The provider declined; nothing is captured under this key, ever.
    Declined(FailureCode),
    /// The key was closed before a charge came; one that comes now is refused.
    Closed,
    /// The provider works on it.
    Pending,
    /// Nothing is charged under the key, and nothing keeps a charge from coming.
    Unknown,
}

/// What a provider says of a return of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// The money went back.
    Done {
        /// When.
        at: Timestamp,
    },
    /// The provider refuses; nothing goes back under this key, ever.
    Refused,
    /// The provider works on it.
    Pending,
    /// The provider has not heard of the key.
    Unknown,
}

/// Why there is no answer of the provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// What was asked for provably was not sent: refused connection, open breaker.
    #[error("the provider was not asked: {0}")]
    Unsent(String),
    /// The provider refused the request as such, and did nothing: a wrong key, or a defect of the shop's.
    #[error("the provider refuses the request: {0}")]
    Refused(String),
    /// The request may have had its effect.
    #[error("the provider's answer is lost: {0}")]
    Lost(String),
    /// What is kept of the payment cannot be read or written. The request may have had its effect.
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

/// A webhook, once its signature was checked: what to ask the provider about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The payment.
    pub payment_id: PaymentId,
    /// The refund of it, if the notice is about one of ours.
    pub refund_id: Option<RefundId>,
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The signature is missing or wrong.
    #[error("the signature is not the provider's")]
    Forged,
    /// The signature is right, the body is not.
    #[error("the notice cannot be read")]
    Unreadable,
}

/// A provider. Each act is idempotent on its key: asked again, it answers what came of the first.
#[async_trait::async_trait]
pub trait PaymentProvider: Send + Sync + std::fmt::Debug {
    /// Its name in the path of its webhooks.
    fn name(&self) -> &'static str;
    /// Whether `token` may be of this provider; asked before anything is stored.
    fn takes(&self, token: &Secret) -> bool;
    /// Captures `amount`, once for each `payment_id`. A payment is charged by one call in its life.
    async fn charge(&self, payment_id: PaymentId, amount: Money, token: &Secret) -> Result<Charge, ProviderError>;
    /// What came of a charge.
    async fn lookup(&self, payment_id: PaymentId) -> Result<Charge, ProviderError>;
    /// Closes a key under which nothing was captured, so that a charge still on its way is refused.
    /// Answers what stands afterwards.
    async fn close(&self, payment_id: PaymentId) -> Result<Charge, ProviderError>;
    /// Returns `amount` of a capture, once for each `refund_id`.
    async fn refund(&self, refund_id: RefundId, payment_id: PaymentId, amount: Money) -> Result<Return, ProviderError>;
    /// What came of a refund of `payment_id`.
    async fn lookup_refund(&self, refund_id: RefundId, payment_id: PaymentId) -> Result<Return, ProviderError>;
    /// Checks the signature of a webhook, and reads it; `None` when it is about no payment of this shop.
    fn read_notice(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Notice>, NoticeError>;
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
        let limit = Arc::new(TimeLimit::new("payment", inner.name(), config.provider_time_limit()));
        Self { inner, breaker, limit }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.inner.name()
    }

    pub(crate) fn takes(&self, token: &Secret) -> bool {
        self.inner.takes(token)
    }

    pub(crate) fn read_notice(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Notice>, NoticeError> {
        self.inner.read_notice(headers, body)
    }

    pub(crate) async fn charge(&self, id: PaymentId, amount: Money, token: &Secret) -> Result<Charge, ProviderError> {
        self.call(self.inner.charge(id, amount, token), |_| false).await
    }

    pub(crate) async fn lookup(&self, id: PaymentId) -> Result<Charge, ProviderError> {
        self.call(self.inner.lookup(id), may_be_own_words).await
    }

    pub(crate) async fn close(&self, id: PaymentId) -> Result<Charge, ProviderError> {
        self.call(self.inner.close(id), may_be_own_words).await
    }

    pub(crate) async fn refund(&self, id: RefundId, of: PaymentId, amount: Money) -> Result<Return, ProviderError> {
        self.call(self.inner.refund(id, of, amount), |_| false).await
    }

    pub(crate) async fn lookup_refund(&self, id: RefundId, of: PaymentId) -> Result<Return, ProviderError> {
        self.call(self.inner.lookup_refund(id, of), |_| false).await
    }

    /// Asks, if the breaker permits. `is_silent`: whether an answer says nothing about the provider.
    async fn call<T>(
        &self,
        ask: impl Future<Output = Result<T, ProviderError>>,
        is_silent: fn(&T) -> bool,
    ) -> Result<T, ProviderError> {
        // Nothing is sent before the permit: a future does nothing until it is polled.
        let permit = self.breaker.acquire().map_err(|denied| ProviderError::Unsent(denied.to_string()))?;
        let answer = self.limit.run(ask).await;
        match &answer {
            Ok(said) if is_silent(said) => permit.ignore(),
            Ok(_) => permit.success(),
            Err(ProviderError::Refused(cause)) => {
                tracing::error!(provider = self.name(), error = cause, "the provider refuses what it is asked");
                permit.success();
            }
            Err(ProviderError::Store(_)) => permit.ignore(),
            Err(ProviderError::Unsent(_) | ProviderError::Lost(_)) => permit.failure(),
        }
        answer
    }
}

/// Whether this may have been answered from what the shop itself keeps. An outage must not look
/// better for it.
fn may_be_own_words(said: &Charge) -> bool {
    matches!(said, Charge::Unknown | Charge::Closed)
}
