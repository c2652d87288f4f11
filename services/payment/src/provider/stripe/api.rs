//! The few requests that Stripe is sent, and what became of one that was not answered as it should.

use std::{fmt, time::Duration};

use reqwest::{Method, RequestBuilder, header};
use serde::de::DeserializeOwned;
use souk_values::{PaymentId, RefundId, Secret};
use url::form_urlencoded;

use super::{
    amount::Asked,
    answers::{ErrorBody, Intent, IntentId, Refund, Refunds, Refusal},
};
use crate::provider::ProviderError;

/// The version of Stripe's API that is spoken, whatever the account's own is.
pub const API_VERSION: &str = "2024-06-20";

/// How long it may take to connect; the whole call has a limit of its own.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// The most refunds of a page.
const PAGE: &str = "100";
/// Asks for the charge whole instead of its id.
const WITH_CHARGE: (&str, &str) = ("expand[]", "latest_charge");

/// Where Stripe is, and who asks.
#[derive(Debug, Clone)]
pub struct Account {
    /// `https://api.stripe.com`, without a path.
    pub base_url: String,
    /// The secret key of the account.
    pub api_key: Secret,
    /// What Stripe signs this shop's webhooks with.
    pub webhook_secret: Secret,
}

/// Why there is no answer of the kind that was asked for.
#[derive(Debug)]
pub(super) enum Failed {
    /// Provably nothing was sent.
    Unsent(String),
    /// It may have had its effect.
    Lost(String),
    /// Stripe answered and refused; it had no effect.
    Refused(Refusal),
}

/// What is to go back.
pub(super) struct RefundRequest {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub intent: IntentId,
    /// As Stripe counts it.
    pub minor: i64,
}

impl Failed {
    /// Of a request before the confirmation: whatever became of it, no money moves.
    pub fn before_confirming(self) -> ProviderError {
        match self {
            Self::Unsent(cause) | Self::Lost(cause) => ProviderError::Unsent(cause),
            Self::Refused(refusal) => ProviderError::Refused(refusal.to_string()),
        }
    }

    /// Of a request after the confirmation: that one may have had its effect, whatever became of this.
    pub fn lost(self) -> ProviderError {
        ProviderError::Lost(self.to_string())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(cause) => write!(f, "not sent: {cause}"),
            Self::Lost(cause) => write!(f, "no answer: {cause}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

impl From<Failed> for ProviderError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unsent(cause) => Self::Unsent(cause),
            Failed::Lost(cause) => Self::Lost(cause),
            Failed::Refused(refusal) => Self::Refused(refusal.to_string()),
        }
    }
}

/// Sends requests to one account.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    base_url: String,
    key: Secret,
}

impl Api {
    pub fn new(account: Account) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base_url: account.base_url.trim_end_matches('/').to_owned(), key: account.api_key })
    }

    /// Makes an intent that is not confirmed.
    pub async fn create(&self, payment_id: PaymentId, asked: &Asked, token: &Secret) -> Result<Intent, Failed> {
        let form = [
            ("amount", asked.minor.to_string()),
            ("currency", asked.currency.clone()),
            ("payment_method", token.expose().clone()),
            ("capture_method", "automatic".to_owned()),
            ("automatic_payment_methods[enabled]", "true".to_owned()),
            ("automatic_payment_methods[allow_redirects]", "never".to_owned()),
            ("metadata[payment_id]", payment_id.to_string()),
        ];
        self.send(self.post("/v1/payment_intents", Some(format!("souk-payment-{payment_id}")), &form)).await
    }

    /// Confirms an intent: takes the money.
    pub async fn confirm(&self, payment_id: PaymentId, id: &IntentId) -> Result<Intent, Failed> {
        let path = format!("/v1/payment_intents/{}/confirm", id.as_str());
        self.send(self.post(&path, Some(format!("souk-payment-{payment_id}-confirm")), &[WITH_CHARGE])).await
    }

    /// Cancels an intent that took nothing. Without a key: a cancelled intent stays cancelled, and an
    /// answer of yesterday would not say what stands now.
    pub async fn cancel(&self, id: &IntentId) -> Result<Intent, Failed> {
        let path = format!("/v1/payment_intents/{}/cancel", id.as_str());
        self.send(self.post(&path, None, &[WITH_CHARGE])).await
    }

    pub async fn intent(&self, id: &IntentId) -> Result<Intent, Failed> {
        self.send(self.get(&format!("/v1/payment_intents/{}", id.as_str()), &[WITH_CHARGE])).await
    }

    pub async fn refund(&self, asked: &RefundRequest) -> Result<Refund, Failed> {
        let form = [
            ("payment_intent", asked.intent.as_str().to_owned()),
            ("amount", asked.minor.to_string()),
            ("metadata[refund_id]", asked.refund_id.to_string()),
            ("metadata[payment_id]", asked.payment_id.to_string()),
        ];
        self.send(self.post("/v1/refunds", Some(format!("souk-refund-{}", asked.refund_id)), &form)).await
    }

    /// The refunds of an intent, newest first, from behind the refund `after` on.
    pub async fn refunds(&self, intent: &IntentId, after: Option<&str>) -> Result<Refunds, Failed> {
        let mut query = vec![("payment_intent", intent.as_str()), ("limit", PAGE)];
        query.extend(after.map(|after| ("starting_after", after)));
        self.send(self.get("/v1/refunds", &query)).await
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.http.request(Method::GET, format!("{}{path}", self.base_url)).query(query)
    }

    fn post(&self, path: &str, key: Option<String>, form: &[(&str, impl AsRef<str>)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base_url))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failed> {
        let request = request.bearer_auth(self.key.expose()).header("stripe-version", API_VERSION);
        let response = request.send().await.map_err(|error| {
            let cause = chain(&error);
            if error.is_connect() || error.is_builder() { Failed::Unsent(cause) } else { Failed::Lost(cause) }
        })?;
        let status = response.status();
        let request_id = response.headers().get("request-id").and_then(|id| id.to_str().ok()).unwrap_or("?").to_owned();
        let body = response.bytes().await.map_err(|error| Failed::Lost(chain(&error)))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| Failed::Lost(format!("not as documented: {error}, request {request_id}")));
        }
        // Without Stripe's own body somebody in between may have answered.
        let Ok(ErrorBody { error }) = serde_json::from_slice(&body) else {
            return Err(Failed::Lost(format!("{status}, request {request_id}")));
        };
        let refusal = Refusal { status: status.as_u16(), error, request_id };
        // Another request with the key is under way or differs, too many requests, or Stripe's own fault.
        let is_open = matches!(refusal.status, 408 | 409 | 429) || refusal.error.kind == "idempotency_error";
        if is_open || !status.is_client_error() {
            return Err(Failed::Lost(refusal.to_string()));
        }
        Err(Failed::Refused(refusal))
    }
}

/// An error with its causes: reqwest's own words name only the outermost.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
