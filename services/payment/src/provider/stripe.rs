//! Stripe: a payment intent is created unconfirmed, its id is committed to the store, and only then is it confirmed.
//!
//! Only the confirmation takes money, and only the one call of `charge` in a payment's life confirms. So a failure
//! before it provably took nothing; an outcome lost after it is read from Stripe.

mod amount;
mod api;
mod captures;
mod responses;
mod webhook;

use std::sync::Arc;

use axum::http::HeaderMap;
use souk_values::{Clock, Money, PaymentId, RefundId, Secret};

use self::{
    amount::StripeAmount,
    api::{Api, ApiError, RefundParams},
    responses::{Intent, IntentId},
};
use super::{ChargeOutcome, PaymentProvider, ProviderError, RefundCall, RefundOutcome, WebhookError, WebhookEvent};
use crate::{payment::FailureCode, provider_account::ProviderAccount, store::References};

pub use api::{API_VERSION, StripeAccount};
pub use captures::{Captures, StripeCapture};
pub use webhook::SIGNATURE_HEADER;

/// Stored in place of an intent's id when a payment is closed before it has one: none is confirmed any more.
const CLOSED: &str = "closed";

/// Stripe, through one of its accounts.
#[derive(Debug)]
pub struct Stripe {
    api: Api,
    account: ProviderAccount,
    webhook_secret: Secret,
    references: Arc<dyn References>,
    clock: Arc<dyn Clock>,
}

/// The stored reference of a payment.
enum Reference {
    None,
    Closed,
    Intent(IntentId),
}

impl Stripe {
    /// Returns the provider at `account`, which stores the ids of its intents in `references`.
    ///
    /// Errors: the HTTP client cannot be made, which only a broken TLS set-up causes.
    pub fn new(
        account: StripeAccount,
        references: Arc<dyn References>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let StripeAccount { account: id, webhook_secret, .. } = account.clone();
        Ok(Self { api: Api::new(account)?, account: id, webhook_secret, references, clock })
    }

    async fn reference(&self, payment_id: PaymentId) -> Result<Reference, ProviderError> {
        match self.references.reference(payment_id).await? {
            None => Ok(Reference::None),
            Some(text) => Reference::parse(text),
        }
    }

    /// Stores `reference` unless the payment has one; returns the stored one.
    async fn record_reference(&self, payment_id: PaymentId, reference: &str) -> Result<Reference, ProviderError> {
        Reference::parse(self.references.record_reference(payment_id, reference, self.clock.now()).await?)
    }

    /// Returns the intent that took a payment's money.
    async fn paid_intent(&self, payment_id: PaymentId) -> Result<IntentId, ProviderError> {
        match self.reference(payment_id).await? {
            Reference::Intent(id) => Ok(id),
            Reference::None | Reference::Closed => {
                Err(ProviderError::Lost(format!("no Stripe intent is stored for payment {payment_id}")))
            }
        }
    }

    /// Confirms an intent whose id is stored: the one request that takes money.
    async fn confirm(&self, payment_id: PaymentId, id: &IntentId) -> Result<ChargeOutcome, ProviderError> {
        match self.api.confirm(payment_id, id).await {
            // An intent that waits for the customer is cancelled: the shop cannot send the customer to the bank.
            Ok(confirmed) => self.cancel_unpaid(confirmed).await.map_err(ApiError::lost),
            Err(ApiError::Refused(refusal)) if refusal.is_decline() => {
                Ok(ChargeOutcome::Declined(refusal.failure_code()))
            }
            Err(ApiError::Refused(refusal)) if !refusal.concerns_api_key() => {
                // Another client ended the intent, or Stripe objects to it. Only the intent shows whether money moved.
                tracing::error!(payment.id = %payment_id, %refusal, "Stripe refused a confirmation; reading the intent");
                let intent = self.api.intent(id).await.map_err(ApiError::lost)?;
                self.cancel_unpaid(intent).await.map_err(ApiError::lost)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Cancels an intent that took no money; returns the outcome afterwards.
    async fn cancel_unpaid(&self, intent: Intent) -> Result<ChargeOutcome, ApiError> {
        let outcome = intent.outcome()?;
        if outcome != ChargeOutcome::Unknown {
            return Ok(outcome);
        }
        match self.api.cancel(&intent.id).await {
            Ok(cancelled) => match cancelled.outcome()? {
                ChargeOutcome::Closed if intent.requires_customer() => {
                    Ok(ChargeOutcome::Declined(FailureCode::AuthenticationRequired))
                }
                outcome => Ok(outcome),
            },
            // It was confirmed or cancelled in between.
            Err(ApiError::Refused(refusal)) if refusal.concerns_state() => self.api.intent(&intent.id).await?.outcome(),
            Err(error) => Err(error),
        }
    }
}

impl Reference {
    fn parse(text: String) -> Result<Self, ProviderError> {
        if text == CLOSED {
            return Ok(Self::Closed);
        }
        match IntentId::try_from(text) {
            Ok(id) => Ok(Self::Intent(id)),
            Err(error) => Err(ProviderError::Store(format!("the stored reference of the payment: {error}"))),
        }
    }
}

#[async_trait::async_trait]
impl PaymentProvider for Stripe {
    fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// True for the id of a payment method, as Stripe's library creates it in the browser.
    fn accepts(&self, token: &Secret) -> bool {
        token.expose().strip_prefix("pm_").is_some_and(responses::is_id_suffix)
    }

    async fn charge(
        &self,
        payment_id: PaymentId,
        amount: Money,
        token: &Secret,
    ) -> Result<ChargeOutcome, ProviderError> {
        let Some(stripe_amount) = StripeAmount::new(amount) else {
            let currency = amount.currency;
            return Err(ProviderError::Refused(format!(
                "Stripe cannot charge {} minor units of {currency}",
                amount.minor
            )));
        };
        let intent = match self.api.create(payment_id, &stripe_amount, token).await {
            Ok(intent) => intent,
            Err(ApiError::Refused(refusal)) if refusal.is_decline() || refusal.concerns_card() => {
                return Ok(ChargeOutcome::Declined(refusal.failure_code()));
            }
            // An intent that may have been created is never confirmed: its id is stored nowhere.
            Err(error) => return Err(error.before_confirmation()),
        };
        match self.record_reference(payment_id, intent.id.as_str()).await? {
            Reference::Intent(id) if id == intent.id => self.confirm(payment_id, &id).await,
            Reference::Intent(_) => self.lookup(payment_id).await,
            Reference::Closed | Reference::None => {
                // The intent takes no money either way; cancelled, it is not shown as incomplete at Stripe.
                if let Err(error) = self.api.cancel(&intent.id).await {
                    tracing::debug!(payment.id = %payment_id, %error, "an unconfirmed intent stays at Stripe as incomplete");
                }
                Ok(ChargeOutcome::Closed)
            }
        }
    }

    async fn lookup(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        match self.reference(payment_id).await? {
            Reference::None => Ok(ChargeOutcome::Unknown),
            Reference::Closed => Ok(ChargeOutcome::Closed),
            Reference::Intent(id) => Ok(self.api.intent(&id).await?.outcome()?),
        }
    }

    async fn close(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        match self.record_reference(payment_id, CLOSED).await? {
            Reference::Closed | Reference::None => Ok(ChargeOutcome::Closed),
            Reference::Intent(id) => {
                let intent = self.api.intent(&id).await?;
                Ok(self.cancel_unpaid(intent).await?)
            }
        }
    }

    async fn refund(&self, refund: RefundCall) -> Result<RefundOutcome, ProviderError> {
        let RefundCall { refund_id, payment_id, amount, attempt } = refund;
        let Some(StripeAmount { minor, .. }) = StripeAmount::new(amount) else {
            tracing::error!(refund.id = %refund_id, currency = %amount.currency, "Stripe cannot refund such an amount");
            return Ok(RefundOutcome::Refused);
        };
        let intent = self.paid_intent(payment_id).await?;
        match self.api.refund(&RefundParams { refund_id, payment_id, intent, minor, attempt }).await {
            Ok(refund) => Ok(refund.outcome()?),
            Err(ApiError::Refused(refusal)) if refusal.is_final_for_refund() => {
                tracing::error!(refund.id = %refund_id, %refusal, "Stripe refused a refund for good");
                Ok(RefundOutcome::Refused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Searches the refunds of the intent by their metadata, which stays: Stripe drops an idempotency key after about a
    /// day, and a repeated request would then refund again.
    async fn lookup_refund(&self, refund_id: RefundId, payment_id: PaymentId) -> Result<RefundOutcome, ProviderError> {
        let intent = self.paid_intent(payment_id).await?;
        let mut after = None;
        loop {
            let page = self.api.refunds(&intent, after.as_deref()).await?;
            if let Some(refund) = page.data.iter().find(|refund| refund.has_id(refund_id)) {
                return Ok(refund.outcome()?);
            }
            match page.data.last() {
                Some(last) if page.has_more => after = Some(last.id.clone()),
                Some(_) | None => return Ok(RefundOutcome::Unknown),
            }
        }
    }

    fn read_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError> {
        webhook::verify(&self.webhook_secret, self.clock.now(), headers, body)?;
        webhook::read(body)
    }
}
