//! Shared state of handlers, consumers and tasks, and the one way to change an order's payments.

use std::sync::Arc;

use souk_bus::{Cause, Stamper};
use souk_kit::{Deps, StartError};
use souk_peers::OrderPeer;
use souk_sql::SqlError;
use souk_values::{Clock, Currency, DayCalendar, IdGen, OrderId, PaymentId};

use crate::{
    config::PaymentConfig,
    error::PaymentError,
    metrics,
    order_payments::{Decision, NextRefund, OrderPayments, PaymentEvent},
    payment::{Payment, RefundStatus},
    provider::{
        Provider, Providers,
        sandbox::Sandbox,
        stripe::{Stripe, StripeAccount},
    },
    provider_account::{ProviderAccount, ProviderName},
    refunding,
    store::{Change, NeededAccount, OpenRefund, PaymentStore, Saved, StoreError},
};

/// Attempts to save a change while other requests change the same order.
pub(crate) const ATTEMPTS: usize = 16;

/// Shared state of handlers, consumers and tasks. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn PaymentStore>,
    pub(crate) providers: Providers,
    pub(crate) sending: Arc<refunding::Sending>,
    pub(crate) orders: OrderPeer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGen,
    pub(crate) stamper: Stamper,
    pub(crate) config: Arc<PaymentConfig>,
    pub(crate) currency: Currency,
    /// Days of the shop's time zone.
    pub(crate) calendar: DayCalendar,
}

/// Result of a decision on an order's payments.
pub(crate) enum Step<T> {
    /// Save the change, then return the value.
    Save(Decision, T),
    /// Return the value; nothing changes.
    Unchanged(T),
}

/// Result of an attempt to change an order's payments.
pub(crate) enum ChangeOutcome<T> {
    Done(T),
    /// Another change was saved in between; nothing is done.
    Conflict,
    /// The causing event was applied before; nothing is done.
    Duplicate,
}

impl App {
    /// Connects `store` with the configured providers.
    ///
    /// Errors: the sandbox's ledger cannot be opened; no HTTP client can be made; open payments or refunds need an account
    /// that is not configured.
    pub(crate) async fn open(
        config: PaymentConfig,
        store: Arc<dyn PaymentStore>,
        deps: &Deps,
    ) -> Result<Self, StartError> {
        let providers = open_providers(&config, &store, &deps.clock).await?;
        let needed = store.needed_accounts().await.map_err(SqlError::from)?;
        let missing: Vec<_> = needed.into_iter().filter(|needed| providers.at(&needed.account).is_none()).collect();
        if !missing.is_empty() {
            return Err(StartError::Other(refusal(&missing)));
        }
        Ok(Self {
            store,
            providers,
            sending: Arc::default(),
            orders: OrderPeer::new(&deps.peers, "payment"),
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            config: Arc::new(config),
            currency: deps.shop.currency,
            calendar: deps.shop.time_zone.clone(),
        })
    }

    /// Returns the provider at which a payment was claimed.
    ///
    /// Errors: it is not configured now.
    pub(crate) async fn provider_of(
        &self,
        payment: PaymentId,
        account: Option<&ProviderAccount>,
    ) -> Result<&Provider, PaymentError> {
        if let Some(account) = account {
            let provider = self.providers.at(account);
            return provider.ok_or_else(|| PaymentError::ProviderNotConfigured(account.clone()));
        }
        // Open since before accounts were stored. Only Stripe leaves a reference, and before it takes money.
        let account = match self.store.reference(payment).await? {
            Some(_) => ProviderAccount { provider: ProviderName::Stripe, account: None },
            None => ProviderAccount::sandbox(),
        };
        Ok(self.providers.at(&account).unwrap_or_else(|| self.providers.current()))
    }

    pub(crate) fn next_refund(&self) -> NextRefund {
        NextRefund { refund_id: self.ids.next(), now: self.clock.now() }
    }

    /// Reads the payments of `order`, decides on them and saves the decision; repeats all of it after a conflict.
    ///
    /// Errors: `Contended` after [`ATTEMPTS`] conflicts.
    pub(crate) async fn change<T>(
        &self,
        order: OrderId,
        cause: Option<Cause>,
        decide: impl Fn(Option<OrderPayments>) -> Step<T> + Send + Sync,
    ) -> Result<ChangeOutcome<T>, PaymentError> {
        for _ in 0..ATTEMPTS {
            match self.try_change(order, cause, &decide).await? {
                ChangeOutcome::Conflict => {}
                outcome => return Ok(outcome),
            }
        }
        Err(PaymentError::Contended)
    }

    /// Makes one attempt of [`App::change`].
    pub(crate) async fn try_change<T>(
        &self,
        order: OrderId,
        cause: Option<Cause>,
        decide: impl Fn(Option<OrderPayments>) -> Step<T> + Send + Sync,
    ) -> Result<ChangeOutcome<T>, PaymentError> {
        let before = self.store.order_payments(order).await?;
        let (Decision { after, events }, value) = match decide(before.clone()) {
            Step::Unchanged(value) => return Ok(ChangeOutcome::Done(value)),
            Step::Save(decision, value) => (decision, value),
        };
        let envelopes = events.iter().map(|event| self.stamp(event)).collect::<Result<_, _>>()?;
        let due = newly_due(before.as_ref(), &after);
        let change = Change { before, after, events: envelopes, cause, now: self.clock.now() };
        match self.store.save(change).await {
            Ok(Saved::Done) => {
                metrics::record(&events);
                // Each refund is on disk by now: if the process ends here, settling sends it.
                for refund in due {
                    refunding::send_soon(self, refund);
                }
                Ok(ChangeOutcome::Done(value))
            }
            Ok(Saved::Duplicate) => Ok(ChangeOutcome::Duplicate),
            Err(StoreError::Conflict) => Ok(ChangeOutcome::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    fn stamp(&self, event: &PaymentEvent) -> Result<souk_events::Envelope, PaymentError> {
        let envelope = match event {
            PaymentEvent::Succeeded(event) => self.stamper.stamp(event),
            PaymentEvent::Failed(event) => self.stamper.stamp(event),
            PaymentEvent::Refunded(event) => self.stamper.stamp(event),
            PaymentEvent::RefundFailed(event) => self.stamper.stamp(event),
        };
        Ok(envelope?)
    }
}

/// Returns the automatic refunds that are due after a change and were not before.
fn newly_due(before: Option<&OrderPayments>, after: &OrderPayments) -> Vec<OpenRefund> {
    let known = |payment: &Payment, refund_id| {
        before
            .and_then(|before| before.payment(payment.payment_id))
            .is_some_and(|known| known.refunds.iter().any(|refund| refund.refund_id == refund_id))
    };
    let mut due = Vec::new();
    for payment in &after.payments {
        for refund in &payment.refunds {
            let is_due = refund.status == RefundStatus::Processing && refund.request.is_none();
            if is_due && !known(payment, refund.refund_id) {
                due.push(OpenRefund::new(payment, refund));
            }
        }
    }
    due
}

/// Opens every provider that is configured.
async fn open_providers(
    config: &PaymentConfig,
    store: &Arc<dyn PaymentStore>,
    clock: &Arc<dyn Clock>,
) -> Result<Providers, StartError> {
    let mut all = Vec::new();
    if let Some(ledger_url) = config.sandbox_ledger() {
        let sandbox = Sandbox::open(ledger_url, config.sandbox_webhook_secret.clone(), Arc::clone(clock)).await?;
        all.push(Provider::new(Arc::new(sandbox), config, Arc::clone(clock)));
    }
    if let Some(account) = config.stripe() {
        let account = StripeAccount {
            account,
            base_url: config.stripe_base_url.clone(),
            api_key: config.stripe_api_key.clone(),
            webhook_secret: config.stripe_webhook_secret.clone(),
        };
        let unusable = |error| StartError::Other(format!("no HTTP client for Stripe can be made: {error}"));
        let stripe = Stripe::new(account, store.clone(), Arc::clone(clock)).map_err(unusable)?;
        all.push(Provider::new(Arc::new(stripe), config, Arc::clone(clock)));
    }
    let name = config.provider;
    Providers::new(all, name).ok_or_else(|| StartError::Other(format!("{} is not configured", name.as_str())))
}

/// Returns the sentence that says which accounts are missing, and for how many rows.
fn refusal(missing: &[NeededAccount]) -> String {
    let rows = missing.iter().map(|NeededAccount { account, payments, refunds }| {
        let key = match account.provider {
            ProviderName::Sandbox => "payment.sandbox-ledger-url",
            ProviderName::Stripe => "payment.stripe-account and payment.stripe-api-key",
        };
        format!("{payments} open payments and {refunds} open refunds need {account} ({key})")
    });
    format!(
        "{}; keep it configured until they are settled. payment.provider alone chooses who takes new payments",
        rows.collect::<Vec<_>>().join("; ")
    )
}
