//! Stripe: a payment intent is made unconfirmed, its id is kept on disk, and only then is it confirmed.
//!
//! Nothing but the confirmation takes money, and only the one call of `charge` in a payment's life
//! confirms. So whatever fails before it provably took nothing; what is lost after it is read from Stripe.

mod amount;
mod answers;
mod api;
mod notice;

use std::sync::Arc;

use axum::http::HeaderMap;
use souk_values::{Clock, Money, PaymentId, RefundId, Secret};

use self::{
    answers::{Intent, IntentId},
    api::{Api, Failed, RefundRequest},
};
use super::{Charge, Notice, NoticeError, PaymentProvider, ProviderError, Return};
use crate::{payment::FailureCode, store::PaymentStore};

pub use api::{API_VERSION, Account};
pub use notice::SIGNATURE_HEADER;

/// Kept in place of an intent's id: the payment was closed before it had one, and none is confirmed any more.
const CLOSED: &str = "closed";

/// Stripe, as one account of it is used.
#[derive(Debug)]
pub struct Stripe {
    api: Api,
    webhook_secret: Secret,
    store: Arc<dyn PaymentStore>,
    clock: Arc<dyn Clock>,
}

/// What is kept of a payment.
enum Kept {
    Nothing,
    Closed,
    Intent(IntentId),
}

impl Stripe {
    /// Stripe at `account`; the ids of its intents are kept in `store`.
    ///
    /// Errors: the HTTP client cannot be made, which only a broken TLS set-up causes.
    pub fn new(account: Account, store: Arc<dyn PaymentStore>, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let webhook_secret = account.webhook_secret.clone();
        Ok(Self { api: Api::new(account)?, webhook_secret, store, clock })
    }

    async fn kept(&self, payment_id: PaymentId) -> Result<Kept, ProviderError> {
        match self.store.reference(payment_id).await? {
            None => Ok(Kept::Nothing),
            Some(reference) => Kept::read(reference),
        }
    }

    /// Keeps `reference` if nothing is kept of the payment yet; answers what is kept.
    async fn keep(&self, payment_id: PaymentId, reference: &str) -> Result<Kept, ProviderError> {
        Kept::read(self.store.note_reference(payment_id, reference, self.clock.now()).await?)
    }

    /// The intent that took a payment's money.
    async fn paid_intent(&self, payment_id: PaymentId) -> Result<IntentId, ProviderError> {
        match self.kept(payment_id).await? {
            Kept::Intent(id) => Ok(id),
            Kept::Nothing | Kept::Closed => {
                Err(ProviderError::Lost(format!("no intent of Stripe's is known of payment {payment_id}")))
            }
        }
    }

    /// Confirms an intent whose id is kept: the one request that takes money.
    async fn confirm(&self, payment_id: PaymentId, id: &IntentId) -> Result<Charge, ProviderError> {
        match self.api.confirm(payment_id, id).await {
            // What waits for the customer is ended here: the shop has no way to send him to his bank.
            Ok(confirmed) => self.end(confirmed).await.map_err(Failed::lost),
            Err(Failed::Refused(refusal)) if refusal.is_decline() => Ok(Charge::Declined(refusal.failure_code())),
            Err(Failed::Refused(refusal)) if !refusal.is_of_the_key() => {
                // Somebody else ended the intent, or Stripe finds fault with it: the intent itself knows.
                tracing::error!(payment.id = %payment_id, %refusal, "Stripe refused a confirmation; the intent is read");
                let intent = self.api.intent(id).await.map_err(Failed::lost)?;
                self.end(intent).await.map_err(Failed::lost)
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Ends an intent that took nothing; answers what stands afterwards.
    async fn end(&self, intent: Intent) -> Result<Charge, Failed> {
        let stands = intent.stands()?;
        if stands != Charge::Unknown {
            return Ok(stands);
        }
        match self.api.cancel(&intent.id).await {
            Ok(ended) => match ended.stands()? {
                Charge::Closed if intent.waits_for_customer() => {
                    Ok(Charge::Declined(FailureCode::AuthenticationRequired))
                }
                stands => Ok(stands),
            },
            // It was confirmed or cancelled in between.
            Err(Failed::Refused(refusal)) if refusal.is_of_the_state() => self.api.intent(&intent.id).await?.stands(),
            Err(failed) => Err(failed),
        }
    }
}

impl Kept {
    fn read(reference: String) -> Result<Self, ProviderError> {
        if reference == CLOSED {
            return Ok(Self::Closed);
        }
        match IntentId::try_from(reference) {
            Ok(id) => Ok(Self::Intent(id)),
            Err(error) => Err(ProviderError::Store(format!("what is kept of the payment: {error}"))),
        }
    }
}

#[async_trait::async_trait]
impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    /// Whether it is the id of a payment method, such as Stripe's own library makes in the browser.
    fn takes(&self, token: &Secret) -> bool {
        token.expose().strip_prefix("pm_").is_some_and(answers::is_plain)
    }

    async fn charge(&self, payment_id: PaymentId, amount: Money, token: &Secret) -> Result<Charge, ProviderError> {
        let Some(asked) = amount::asked(amount) else {
            let currency = amount.currency;
            return Err(ProviderError::Refused(format!("{} minor units of {currency} are no amount", amount.minor)));
        };
        let intent = match self.api.create(payment_id, &asked, token).await {
            Ok(intent) => intent,
            Err(Failed::Refused(refusal)) if refusal.is_decline() || refusal.is_of_the_card() => {
                return Ok(Charge::Declined(refusal.failure_code()));
            }
            // An intent that may have been made is never confirmed: nobody knows it.
            Err(failed) => return Err(failed.before_confirming()),
        };
        match self.keep(payment_id, intent.id.as_str()).await? {
            Kept::Intent(id) if id == intent.id => self.confirm(payment_id, &id).await,
            Kept::Intent(_) => self.lookup(payment_id).await,
            Kept::Closed | Kept::Nothing => {
                // It would take nothing either way; cancelled it does not lie about as incomplete.
                if let Err(failed) = self.api.cancel(&intent.id).await {
                    tracing::debug!(payment.id = %payment_id, %failed, "an intent that nobody confirms stays at Stripe");
                }
                Ok(Charge::Closed)
            }
        }
    }

    async fn lookup(&self, payment_id: PaymentId) -> Result<Charge, ProviderError> {
        match self.kept(payment_id).await? {
            Kept::Nothing => Ok(Charge::Unknown),
            Kept::Closed => Ok(Charge::Closed),
            Kept::Intent(id) => Ok(self.api.intent(&id).await?.stands()?),
        }
    }

    async fn close(&self, payment_id: PaymentId) -> Result<Charge, ProviderError> {
        match self.keep(payment_id, CLOSED).await? {
            Kept::Closed | Kept::Nothing => Ok(Charge::Closed),
            Kept::Intent(id) => {
                let intent = self.api.intent(&id).await?;
                Ok(self.end(intent).await?)
            }
        }
    }

    async fn refund(&self, refund_id: RefundId, payment_id: PaymentId, amount: Money) -> Result<Return, ProviderError> {
        let Some(asked) = amount::asked(amount) else {
            tracing::error!(refund.id = %refund_id, currency = %amount.currency, "Stripe has no such amount");
            return Ok(Return::Refused);
        };
        let intent = self.paid_intent(payment_id).await?;
        match self.api.refund(&RefundRequest { refund_id, payment_id, intent, minor: asked.minor }).await {
            Ok(refund) => Ok(refund.stands()?),
            Err(Failed::Refused(refusal)) if refusal.is_of_the_refund() => {
                tracing::error!(refund.id = %refund_id, %refusal, "Stripe refuses a refund for good");
                Ok(Return::Refused)
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// By the refund's own id among the refunds of its intent: Stripe forgets an idempotency key after a
    /// day, what it wrote on a refund stays.
    async fn lookup_refund(&self, refund_id: RefundId, payment_id: PaymentId) -> Result<Return, ProviderError> {
        let intent = self.paid_intent(payment_id).await?;
        let mut after = None;
        loop {
            let page = self.api.refunds(&intent, after.as_deref()).await?;
            if let Some(refund) = page.data.iter().find(|refund| refund.is_of(refund_id)) {
                return Ok(refund.stands()?);
            }
            match page.data.last() {
                Some(last) if page.has_more => after = Some(last.id.clone()),
                Some(_) | None => return Ok(Return::Unknown),
            }
        }
    }

    fn read_notice(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Notice>, NoticeError> {
        notice::check(&self.webhook_secret, self.clock.now(), headers, body)?;
        notice::read(body)
    }
}
