//! The sandbox: a provider that moves no money and records every movement in a durable ledger.

mod ledger;
mod tables;

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use souk_sql::SqlError;
use souk_values::{Clock, Money, PaymentId, RefundId, Secret, clock};
use utoipa::ToSchema;

pub use ledger::{Entry, EntryKind, read};

use self::ledger::{ChargeState, Ledger};
use super::{ChargeOutcome, PaymentProvider, ProviderError, RefundCall, RefundOutcome, WebhookError, WebhookEvent};
use crate::{payment::FailureCode, provider_account::ProviderAccount};

/// Header with the HMAC-SHA256 of the body, in hexadecimal.
pub const SIGNATURE_HEADER: &str = "x-souk-signature";

/// Duration of a charge of `tok_slow`.
const SLOW: Duration = Duration::from_secs(1);

/// A provider for development, tests and demonstrations.
#[derive(Debug)]
pub struct Sandbox {
    ledger: Ledger,
    account: ProviderAccount,
    webhook_secret: Secret,
    clock: Arc<dyn Clock>,
}

/// Body of a webhook of the sandbox: the payment that changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"paymentId": 246_290_604_621_824_i64}))]
pub struct SandboxNotice {
    /// Id of the payment to query from the provider.
    pub payment_id: PaymentId,
}

/// Tokens of the test cards, each with its effect.
pub(crate) const TEST_CARDS: &[(&str, &str)] = &[
    ("tok_visa", "Pays."),
    ("tok_declined", "Is declined."),
    ("tok_insufficient_funds", "Is declined: insufficient funds."),
    ("tok_slow", "Pays after a second."),
    ("tok_timeout", "Pays, but the provider's response is lost; the payment settles within 30 seconds."),
    ("tok_provider_down", "Fails: the provider is not available."),
];

/// The test cards of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Card {
    Visa,
    Declined,
    InsufficientFunds,
    Slow,
    Timeout,
    ProviderDown,
}

impl Card {
    fn from_token(token: &Secret) -> Option<Self> {
        match token.expose().as_str() {
            "tok_visa" => Some(Self::Visa),
            "tok_declined" => Some(Self::Declined),
            "tok_insufficient_funds" => Some(Self::InsufficientFunds),
            "tok_slow" => Some(Self::Slow),
            "tok_timeout" => Some(Self::Timeout),
            "tok_provider_down" => Some(Self::ProviderDown),
            _ => None,
        }
    }
}

impl Sandbox {
    /// Opens the sandbox whose ledger is at `ledger_url`. Errors: the ledger cannot be opened.
    pub async fn open(ledger_url: &str, webhook_secret: Secret, clock: Arc<dyn Clock>) -> Result<Self, SqlError> {
        let account = ProviderAccount::sandbox();
        Ok(Self { ledger: Ledger::open(ledger_url).await?, account, webhook_secret, clock })
    }

    async fn settle(
        &self,
        payment_id: PaymentId,
        amount: Money,
        state: ChargeState,
    ) -> Result<ChargeOutcome, ProviderError> {
        let outcome = self.ledger.settle(payment_id, amount, state, self.clock.now()).await;
        outcome.map_err(|error| lost(&error))
    }
}

#[async_trait::async_trait]
impl PaymentProvider for Sandbox {
    fn account(&self) -> &ProviderAccount {
        &self.account
    }

    fn accepts(&self, token: &Secret) -> bool {
        Card::from_token(token).is_some()
    }

    async fn charge(
        &self,
        payment_id: PaymentId,
        amount: Money,
        token: &Secret,
    ) -> Result<ChargeOutcome, ProviderError> {
        match Card::from_token(token) {
            Some(Card::Visa) => self.settle(payment_id, amount, ChargeState::Captured).await,
            Some(Card::InsufficientFunds) => {
                self.settle(payment_id, amount, ChargeState::Declined(FailureCode::InsufficientFunds)).await
            }
            Some(Card::Slow) => {
                clock::sleep(&*self.clock, SLOW).await;
                self.settle(payment_id, amount, ChargeState::Captured).await
            }
            Some(Card::Timeout) => {
                self.settle(payment_id, amount, ChargeState::Captured).await?;
                std::future::pending().await
            }
            Some(Card::ProviderDown) => Err(ProviderError::Unsent("the card simulates an outage".to_owned())),
            Some(Card::Declined) | None => {
                self.settle(payment_id, amount, ChargeState::Declined(FailureCode::CardDeclined)).await
            }
        }
    }

    async fn lookup(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.ledger.charge(payment_id).await.map_err(|error| lost(&error))
    }

    async fn close(&self, payment_id: PaymentId) -> Result<ChargeOutcome, ProviderError> {
        self.ledger.close(payment_id, self.clock.now()).await.map_err(|error| lost(&error))
    }

    // Every answer of the ledger is final, so no attempt but the first is made.
    async fn refund(&self, refund: RefundCall) -> Result<RefundOutcome, ProviderError> {
        let outcome = self.ledger.refund(refund, self.clock.now()).await;
        outcome.map_err(|error| lost(&error))
    }

    async fn lookup_refund(&self, refund_id: RefundId, _payment_id: PaymentId) -> Result<RefundOutcome, ProviderError> {
        self.ledger.lookup_refund(refund_id).await.map_err(|error| lost(&error))
    }

    fn read_webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError> {
        let secret = self.webhook_secret.expose().as_bytes();
        let signature = headers.get(SIGNATURE_HEADER).and_then(|value| hex::decode(value.as_bytes()).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        match signature {
            // With an empty secret, every caller could sign.
            Some(signature) if !secret.is_empty() && hmac::verify(&key, body, &signature).is_ok() => {
                let SandboxNotice { payment_id } =
                    serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
                Ok(Some(WebhookEvent { payment_id, refund_id: None }))
            }
            Some(_) | None => Err(WebhookError::SignatureInvalid),
        }
    }
}

fn lost(error: &SqlError) -> ProviderError {
    ProviderError::Lost(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_card_is_one() {
        for (token, _) in TEST_CARDS {
            assert!(Card::from_token(&Secret::new((*token).to_owned())).is_some(), "{token}");
        }
    }
}
