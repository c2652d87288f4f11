//! Configuration of the payment service.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_resilience::BreakerConfig;
use souk_values::Secret;
use url::Url;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentConfig {
    /// `sqlite:PATH`, `postgres://…`, `mysql://…` or `mssql://…`. Default: `sqlite:payment.db`.
    pub store_url: String,
    /// Provider that charges cards. Default: `sandbox`.
    pub provider: ProviderName,
    /// Store of the sandbox's ledger. Default: `sqlite:sandbox.db`.
    pub sandbox_ledger_url: String,
    /// Key of the signatures of the sandbox's webhooks. Empty, the default, refuses every webhook.
    pub sandbox_webhook_secret: Secret,
    /// Base URL of Stripe's API, without a path. Default: `https://api.stripe.com`.
    pub stripe_base_url: String,
    /// Secret key of the account at Stripe, `sk_…` or `rk_…`.
    pub stripe_api_key: Secret,
    /// Signing secret of the webhook endpoint at Stripe, `whsec_…`.
    pub stripe_webhook_secret: Secret,
    /// Time limit of one call to the provider, in milliseconds. Default: 2000.
    pub provider_time_limit_ms: u64,
    /// Pause between two rounds of settling, in milliseconds. Default: 2000.
    pub settle_every_ms: u64,
    /// Age from which an open payment or refund is settled, in milliseconds; more than the time limit. Default: 5000.
    pub settle_after_ms: u64,
    /// Circuit breaker of the provider. By default it opens when half of the last 20 calls, and at least 10, failed,
    /// and admits 3 trial calls after 2 s.
    pub provider_breaker: BreakerConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Simulates charges, with a ledger on disk.
    Sandbox,
    /// Charges cards for real money.
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
    /// Errors: every invalid value, in one error.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        if self.provider_time_limit_ms == 0 {
            mistakes.push("payment.provider-time-limit-ms must be above 0".to_owned());
        }
        let is_file = |url: &str| url.starts_with("sqlite:");
        if self.provider == ProviderName::Sandbox && is_file(&self.sandbox_ledger_url) && !is_file(&self.store_url) {
            // Replicas share the store; with a ledger each, they would in effect have different providers.
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

    /// Returns the mistakes in Stripe's settings. Never contains a key.
    fn stripe_mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let key = self.stripe_api_key.expose();
        let is_secret_key = ["sk_", "rk_"].iter().any(|prefix| key.starts_with(prefix));
        if !is_secret_key || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            mistakes.push("payment.stripe-api-key must be a secret key of a Stripe account: sk_… or rk_…".to_owned());
        }
        let secret = self.stripe_webhook_secret.expose();
        if secret.strip_prefix("whsec_").is_none_or(str::is_empty) {
            mistakes.push(
                "payment.stripe-webhook-secret must be the signing secret of the webhook endpoint: whsec_…".to_owned(),
            );
        }
        match Url::parse(&self.stripe_base_url) {
            Ok(url) if is_origin(&url) => {
                if url.scheme() == "http" && key.contains("_live_") {
                    mistakes.push(
                        "payment.stripe-base-url must be https, because a live key must not be sent unencrypted"
                            .to_owned(),
                    );
                }
            }
            Ok(_) | Err(_) => {
                mistakes.push("payment.stripe-base-url must be https://HOST or http://HOST[:PORT]".to_owned());
            }
        }
        mistakes
    }
}

/// True for a URL of scheme, host and port only.
fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}
