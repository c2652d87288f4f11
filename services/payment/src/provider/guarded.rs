//! The configured providers, each behind its circuit breakers and its time limit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::http::HeaderMap;
use souk_resilience::{Breaker, TimeLimit};
use souk_values::{Clock, Money, PaymentId, RefundId, Secret, Timestamp};

use super::{ChargeOutcome, PaymentProvider, ProviderError, RefundCall, RefundOutcome, WebhookError, WebhookEvent};
use crate::{
    config::PaymentConfig,
    provider_account::{ProviderAccount, ProviderName},
};

/// The providers of this shop. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Providers {
    /// Takes new payments.
    current: Provider,
    others: Vec<Provider>,
}

impl Providers {
    /// Returns `None` unless one of the providers is `current`.
    pub(crate) fn new(mut all: Vec<Provider>, current: ProviderName) -> Option<Self> {
        let position = all.iter().position(|provider| provider.name() == current)?;
        Some(Self { current: all.swap_remove(position), others: all })
    }

    /// Returns the provider that takes new payments.
    pub(crate) fn current(&self) -> &Provider {
        &self.current
    }

    pub(crate) fn named(&self, name: ProviderName) -> Option<&Provider> {
        self.all().find(|provider| provider.name() == name)
    }

    /// Returns the provider at which `account` is; `None` when it is not configured now.
    pub(crate) fn at(&self, account: &ProviderAccount) -> Option<&Provider> {
        self.all().find(|provider| provider.account().serves(account))
    }

    /// Returns the breakers of all providers.
    pub(crate) fn breakers(&self) -> Vec<Arc<Breaker>> {
        self.all().flat_map(|provider| [&provider.charges, &provider.settling]).map(Arc::clone).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Provider> {
        [&self.current].into_iter().chain(&self.others)
    }
}

/// A provider behind its circuit breakers and time limit. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    inner: Arc<dyn PaymentProvider>,
    charges: Arc<Breaker>,
    /// Of everything that no customer waits for. Apart, so that nothing there opens the breaker of the charges.
    settling: Arc<Breaker>,
    /// Time before which the provider wants no request of settling, in milliseconds since 1970.
    paused_until: Arc<AtomicI64>,
    limit: Arc<TimeLimit>,
    clock: Arc<dyn Clock>,
}

impl Provider {
    pub(crate) fn new(inner: Arc<dyn PaymentProvider>, config: &PaymentConfig, clock: Arc<dyn Clock>) -> Self {
        let name = inner.account().provider.as_str();
        let limit = Arc::new(TimeLimit::new("payment", name, Duration::from_millis(config.provider_time_limit_ms)));
        let charges = Breaker::new("payment", name, config.provider_breaker.clone(), Arc::clone(&clock));
        let settling_name = format!("{name}-settling");
        let settling = Breaker::new("payment", settling_name, config.settling_breaker.clone(), Arc::clone(&clock));
        Self { inner, charges, settling, paused_until: Arc::default(), limit, clock }
    }

    pub(crate) fn account(&self) -> &ProviderAccount {
        self.inner.account()
    }

    pub(crate) fn name(&self) -> ProviderName {
        self.account().provider
    }

    /// Returns the time before which the provider wants no request of settling.
    pub(crate) fn paused_until(&self) -> Timestamp {
        Timestamp::from_millis(self.paused_until.load(Ordering::Relaxed))
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
        self.call(&self.charges, self.inner.charge(id, amount, token), |_| false).await
    }

    pub(crate) async fn lookup(&self, id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.settle(self.inner.lookup(id), may_be_local).await
    }

    pub(crate) async fn close(&self, id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.settle(self.inner.close(id), may_be_local).await
    }

    pub(crate) async fn refund(&self, refund: RefundCall) -> Result<RefundOutcome, ProviderError> {
        self.settle(self.inner.refund(refund), |_| false).await
    }

    pub(crate) async fn lookup_refund(&self, id: RefundId, payment: PaymentId) -> Result<RefundOutcome, ProviderError> {
        self.settle(self.inner.lookup_refund(id, payment), |_| false).await
    }

    /// Runs a request that no customer waits for, unless the provider requested a pause.
    async fn settle<T>(
        &self,
        request: impl Future<Output = Result<T, ProviderError>>,
        is_inconclusive: fn(&T) -> bool,
    ) -> Result<T, ProviderError> {
        let (now, until) = (self.clock.now(), self.paused_until());
        if now < until {
            return Err(ProviderError::Unsent(format!("it requested a pause until {until}")));
        }
        let result = self.call(&self.settling, request, is_inconclusive).await;
        if let Err(ProviderError::Limited { retry_after, .. }) = &result {
            self.paused_until.fetch_max(self.clock.now().plus(*retry_after).millis(), Ordering::Relaxed);
        }
        result
    }

    /// Runs `request` if the breaker permits. An outcome that `is_inconclusive` about the provider's health is not
    /// counted by the breaker.
    async fn call<T>(
        &self,
        breaker: &Arc<Breaker>,
        request: impl Future<Output = Result<T, ProviderError>>,
        is_inconclusive: fn(&T) -> bool,
    ) -> Result<T, ProviderError> {
        // Nothing is sent before the permit: a future does nothing until it is polled.
        let permit = breaker.acquire().map_err(|denied| ProviderError::Unsent(denied.to_string()))?;
        let result = self.limit.run(request).await;
        match &result {
            Ok(outcome) if is_inconclusive(outcome) => permit.ignore(),
            Ok(_) => permit.success(),
            Err(ProviderError::Refused(cause)) => {
                let account = self.account();
                tracing::error!(%account, error = cause, "the provider refused a request as invalid");
                permit.success();
            }
            // A provider that limits its callers is well; the pause relieves it.
            Err(ProviderError::Store(_) | ProviderError::Limited { .. }) => permit.ignore(),
            Err(error @ (ProviderError::Unsent(_) | ProviderError::Lost(_) | ProviderError::Failed(_))) => {
                permit.failure(error);
            }
        }
        result
    }
}

/// True for an outcome that may come from the shop's own store. Counted as a success, it would keep the breaker closed
/// during an outage of the provider.
fn may_be_local(outcome: &ChargeOutcome) -> bool {
    matches!(outcome, ChargeOutcome::Unknown | ChargeOutcome::Closed)
}
