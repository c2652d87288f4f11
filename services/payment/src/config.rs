//! Configuration of the payment service.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_resilience::BreakerConfig;
use souk_values::Secret;
use url::Url;

use crate::provider_account::{ProviderAccount, ProviderName};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentConfig {
    /// `sqlite:PATH`, `postgres://…`, `mysql://…` or `mssql://…`. Default: `sqlite:payment.db`.
    pub store_url: String,
    /// Provider that takes new payments. Default: `sandbox`. Each payment is settled and refunded where it was taken, so
    /// after a change the settings of the provider before must stay as long as it has open payments or refunds.
    pub provider: ProviderName,
    /// Store of the sandbox's ledger. Empty, the default: `sqlite:sandbox.db` if the sandbox takes new payments, and
    /// otherwise no sandbox.
    pub sandbox_ledger_url: String,
    /// Key of the signatures of the sandbox's webhooks. Empty, the default, refuses every webhook.
    pub sandbox_webhook_secret: Secret,
    /// Base URL of Stripe's API, without a path. Default: `https://api.stripe.com`.
    pub stripe_base_url: String,
    /// Secret key of the account at Stripe, `sk_…` or `rk_…`. Empty, the default: no Stripe.
    pub stripe_api_key: Secret,
    /// Id of the account that the key belongs to, `acct_…`, as Stripe's dashboard shows it in the account's settings.
    pub stripe_account: String,
    /// Signing secret of the webhook endpoint at Stripe, `whsec_…`.
    pub stripe_webhook_secret: Secret,
    /// Time limit of one call to the provider, in milliseconds. Default: 2000.
    pub provider_time_limit_ms: u64,
    /// Pause between two rounds of settling, and shortest time between two queries about the same payment or refund, in
    /// milliseconds. Default: 2000.
    pub settle_every_ms: u64,
    /// Age from which an open payment or refund is settled, in milliseconds; more than the time limit. Default: 5000.
    pub settle_after_ms: u64,
    /// Circuit breaker of the charges, for each provider. By default it opens when half of the last 20 calls, and at least 10, failed,
    /// and admits 3 trial calls after 2 s.
    pub provider_breaker: BreakerConfig,
    /// Circuit breaker of settling and refunds, for each provider: whatever happens there does not end the charges. The
    /// same defaults.
    pub settling_breaker: BreakerConfig,
}

impl Default for PaymentConfig {
    fn default() -> Self {
        let breaker = BreakerConfig {
            sliding_window_size: 20,
            minimum_number_of_calls: 10,
            wait_duration_in_open_state: Duration::from_secs(2),
            permitted_number_of_calls_in_half_open_state: 3,
            max_wait_duration_in_half_open_state: Duration::from_secs(10),
            ..BreakerConfig::default()
        };
        Self {
            store_url: "sqlite:payment.db".to_owned(),
            provider: ProviderName::Sandbox,
            sandbox_ledger_url: String::new(),
            sandbox_webhook_secret: Secret::default(),
            stripe_base_url: "https://api.stripe.com".to_owned(),
            stripe_api_key: Secret::default(),
            stripe_account: String::new(),
            stripe_webhook_secret: Secret::default(),
            provider_time_limit_ms: 2_000,
            settle_every_ms: 2_000,
            settle_after_ms: 5_000,
            provider_breaker: breaker.clone(),
            settling_breaker: breaker,
        }
    }
}

impl PaymentConfig {
    /// Returns the URL of the sandbox's ledger; `None` without a sandbox.
    #[must_use]
    pub fn sandbox_ledger(&self) -> Option<&str> {
        match (self.sandbox_ledger_url.as_str(), self.provider) {
            ("", ProviderName::Sandbox) => Some("sqlite:sandbox.db"),
            ("", ProviderName::Stripe) => None,
            (url, _) => Some(url),
        }
    }

    /// Returns the account at Stripe; `None` without Stripe.
    #[must_use]
    pub fn stripe(&self) -> Option<ProviderAccount> {
        let key = self.stripe_api_key.expose();
        let is_live = !key.contains("_test_");
        (!key.is_empty()).then(|| ProviderAccount::stripe(&self.stripe_account, is_live))
    }

    /// Errors: every invalid value, in one error.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        if self.provider_time_limit_ms == 0 {
            mistakes.push("payment.provider-time-limit-ms must be above 0".to_owned());
        }
        let is_file = |url: &str| url.starts_with("sqlite:");
        if self.sandbox_ledger().is_some_and(is_file) && !is_file(&self.store_url) {
            // Replicas share the store; with a ledger each, they would in effect have different providers.
            mistakes.push("payment.sandbox-ledger-url must be on a shared engine, as payment.store-url is".to_owned());
        }
        if self.provider == ProviderName::Stripe || self.stripe().is_some() {
            mistakes.extend(self.stripe_mistakes());
        }
        if self.settle_every_ms == 0 {
            mistakes.push("payment.settle-every-ms must be above 0".to_owned());
        }
        if self.settle_after_ms <= self.provider_time_limit_ms {
            mistakes.push("payment.settle-after-ms must be more than payment.provider-time-limit-ms".to_owned());
        }
        for (key, breaker) in [("provider", &self.provider_breaker), ("settling", &self.settling_breaker)] {
            if let Err(wrong) = breaker.validate() {
                mistakes.extend(wrong.lines().iter().map(|line| format!("payment.{key}-breaker.{line}")));
            }
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
        let id = self.stripe_account.strip_prefix("acct_");
        if id.is_none_or(|id| id.is_empty() || id.len() > 48 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            mistakes.push(
                "payment.stripe-account must be the id of the account that payment.stripe-api-key belongs to: acct_…"
                    .to_owned(),
            );
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
