//! The section `payment` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_resilience::BreakerConfig;
use souk_values::Secret;
use url::Url;

use crate::provider::stripe::Account;

/// How payment is set.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentConfig {
    /// `payment.store-url`: `sqlite:PATH`, `postgres://…`, `mysql://…` or `mssql://…`. `sqlite:payment.db`.
    pub store_url: String,
    /// `payment.provider`: who charges cards. `sandbox`.
    pub provider: ProviderName,
    /// `payment.sandbox-ledger-url`: where the sandbox keeps what it captured. `sqlite:sandbox.db`.
    pub sandbox_ledger_url: String,
    /// `payment.sandbox-webhook-secret`: what the sandbox's webhooks are signed with. Empty: none is taken.
    pub sandbox_webhook_secret: Secret,
    /// `payment.stripe-base-url`: where Stripe is. `https://api.stripe.com`.
    pub stripe_base_url: String,
    /// `payment.stripe-api-key`: the secret key of the account at Stripe, `sk_…` or `rk_…`.
    pub stripe_api_key: Secret,
    /// `payment.stripe-webhook-secret`: the signing secret of the endpoint at Stripe, `whsec_…`.
    pub stripe_webhook_secret: Secret,
    /// `payment.provider-time-limit-ms`: how long one call of the provider may take, milliseconds. 2000.
    pub provider_time_limit_ms: u64,
    /// `payment.settle-every-ms`: how often the provider is asked about what is open, milliseconds. 2000.
    pub settle_every_ms: u64,
    /// `payment.settle-after-ms`: how old something open must be to be asked about, milliseconds; more
    /// than the time limit. 5000.
    pub settle_after_ms: u64,
    /// `payment.provider-breaker`: when the provider is not called for a while. Opens when half of the
    /// last 20 calls, and at least 10, failed; tries again after 2 s with 3 calls.
    pub provider_breaker: BreakerConfig,
}

/// The providers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Pretends, with a ledger on disk.
    Sandbox,
    /// Stripe, for real money.
    Stripe,
}

impl Default for PaymentConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:payment.db".to_owned(),
            provider: ProviderName::Sandbox,
            sandbox_ledger_url: "sqlite:sandbox.db".to_owned(),
            sandbox_webhook_secret: Secret::default(),
            stripe_base_url: "https://api.stripe.com".to_owned(),
            stripe_api_key: Secret::default(),
            stripe_webhook_secret: Secret::default(),
            provider_time_limit_ms: 2_000,
            settle_every_ms: 2_000,
            settle_after_ms: 5_000,
            provider_breaker: BreakerConfig {
                sliding_window_size: 20,
                minimum_number_of_calls: 10,
                wait_duration_in_open_state: Duration::from_secs(2),
                permitted_number_of_calls_in_half_open_state: 3,
                max_wait_duration_in_half_open_state: Duration::from_secs(10),
                ..BreakerConfig::default()
            },
        }
    }
}

impl PaymentConfig {
    /// Errors: every value that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        if self.provider_time_limit_ms == 0 {
            mistakes.push("payment.provider-time-limit-ms must be above 0".to_owned());
        }
        let is_file = |url: &str| url.starts_with("sqlite:");
        if self.provider == ProviderName::Sandbox && is_file(&self.sandbox_ledger_url) && !is_file(&self.store_url) {
            // Replicas share the store; each with a ledger of its own, they would ask different providers.
            mistakes.push("payment.sandbox-ledger-url must be on a shared engine, as payment.store-url is".to_owned());
        }
        if self.provider == ProviderName::Stripe {
            mistakes.extend(self.stripe_mistakes());
        }
        if self.settle_every_ms == 0 {
            mistakes.push("payment.settle-every-ms must be above 0".to_owned());
        }
        if self.settle_after_ms <= self.provider_time_limit_ms {
            mistakes.push("payment.settle-after-ms must be more than payment.provider-time-limit-ms".to_owned());
        }
        if let Err(wrong) = self.provider_breaker.validate() {
            mistakes.extend(wrong.lines().iter().map(|line| format!("payment.provider-breaker.{line}")));
        }
        if mistakes.is_empty() { Ok(()) } else { Err(ConfigError(mistakes)) }
    }

    /// What keeps Stripe from being asked. Never shows a key.
    fn stripe_mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let key = self.stripe_api_key.expose();
        let is_secret_key = ["sk_", "rk_"].iter().any(|prefix| key.starts_with(prefix));
        if !is_secret_key || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            mistakes.push("payment.stripe-api-key must be a secret key of Stripe's: sk_… or rk_…".to_owned());
        }
        let secret = self.stripe_webhook_secret.expose();
        if secret.strip_prefix("whsec_").is_none_or(str::is_empty) {
            mistakes.push("payment.stripe-webhook-secret must be the endpoint's signing secret: whsec_…".to_owned());
        }
        match Url::parse(&self.stripe_base_url) {
            Ok(url) if is_origin(&url) => {
                if url.scheme() == "http" && key.contains("_live_") {
                    mistakes
                        .push("payment.stripe-base-url must be https: a live key never goes in the clear".to_owned());
                }
            }
            Ok(_) | Err(_) => {
                mistakes.push("payment.stripe-base-url must be https://HOST or http://HOST[:PORT]".to_owned());
            }
        }
        mistakes
    }

    pub(crate) fn stripe_account(&self) -> Account {
        Account {
            base_url: self.stripe_base_url.clone(),
            api_key: self.stripe_api_key.clone(),
            webhook_secret: self.stripe_webhook_secret.clone(),
        }
    }

    pub(crate) fn provider_time_limit(&self) -> Duration {
        Duration::from_millis(self.provider_time_limit_ms)
    }

    pub(crate) fn settle_every(&self) -> Duration {
        Duration::from_millis(self.settle_every_ms)
    }

    pub(crate) fn settle_after(&self) -> Duration {
        Duration::from_millis(self.settle_after_ms)
    }
}

/// Whether it names a host and nothing behind it.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}
