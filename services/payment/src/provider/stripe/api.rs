//! The requests that Stripe receives, and the classification of those that fail.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header};
use serde::de::DeserializeOwned;
use souk_kit::http_body;
use souk_values::{PaymentId, RefundId, Secret, error_chain};
use url::form_urlencoded;

use super::{
    amount::StripeAmount,
    responses::{ErrorBody, Intent, IntentId, Refund, Refunds, Refusal},
};
use crate::{provider::ProviderError, provider_account::ProviderAccount};

/// Version of Stripe's API in every request, whatever the account's default is.
pub const API_VERSION: &str = "2024-06-20";

/// Limit for connecting; the whole call has a limit of its own.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Limit of a response's body; Stripe's are a few kilobytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// Refunds in a page, Stripe's maximum.
const PAGE: &str = "100";
/// Pause after a refusal of too many requests that names none.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest pause that is respected. A longer one is as good as an outage, which is tried again too.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// Requests the charge as an object instead of its id.
const WITH_CHARGE: (&str, &str) = ("expand[]", "latest_charge");

/// Address and credentials of an account at Stripe.
#[derive(Debug, Clone)]
pub struct StripeAccount {
    /// Identity of the account, which the key does not contain.
    pub account: ProviderAccount,
    /// Such as `https://api.stripe.com`, without a path.
    pub base_url: String,
    /// Secret key, `sk_…` or `rk_…`.
    pub api_key: Secret,
    /// Signing secret of this shop's webhook endpoint, `whsec_…`.
    pub webhook_secret: Secret,
}

/// A request without a usable response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The request provably was not sent.
    #[error("not sent: {0}")]
    Unsent(String),
    /// The request may have taken effect.
    #[error("no response: {0}")]
    Lost(String),
    /// Stripe failed, and repeats that under the same key. The request may have taken effect.
    #[error("fault of Stripe's: {0}")]
    Failed(Refusal),
    /// Too many requests; this one had no effect.
    #[error("too many requests: {0}")]
    Limited(Refusal, Duration),
    /// Stripe refused the request, which had no effect.
    #[error("refused: {0}")]
    Refused(Refusal),
}

pub(super) struct RefundParams {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub intent: IntentId,
    /// In Stripe's smallest unit of the currency.
    pub minor: i64,
    /// Number of the attempt, from 1.
    pub attempt: i64,
}

impl RefundParams {
    /// Returns the idempotency key. That of a first attempt has no number, as before there were others.
    fn key(&self) -> String {
        match self.attempt {
            1 => format!("souk-refund-{}", self.refund_id),
            attempt => format!("souk-refund-{}-{attempt}", self.refund_id),
        }
    }
}

impl ApiError {
    /// Converts the error of a request before the confirmation: no money moves, even if the request took effect.
    pub fn before_confirmation(self) -> ProviderError {
        match self {
            Self::Unsent(cause) | Self::Lost(cause) => ProviderError::Unsent(cause),
            Self::Failed(answer) | Self::Limited(answer, _) => ProviderError::Unsent(answer.to_string()),
            Self::Refused(refusal) => ProviderError::Refused(refusal.to_string()),
        }
    }

    /// Converts the error of a request after the confirmation, which may have taken effect.
    pub fn lost(self) -> ProviderError {
        ProviderError::Lost(self.to_string())
    }
}

impl From<ApiError> for ProviderError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Unsent(cause) => Self::Unsent(cause),
            ApiError::Lost(cause) => Self::Lost(cause),
            ApiError::Failed(answer) => Self::Failed(answer.to_string()),
            ApiError::Limited(answer, retry_after) => Self::Limited { cause: answer.to_string(), retry_after },
            ApiError::Refused(refusal) => Self::Refused(refusal.to_string()),
        }
    }
}

/// Client of one account.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    base_url: String,
    key: Secret,
}

impl Api {
    pub fn new(account: StripeAccount) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base_url: account.base_url.trim_end_matches('/').to_owned(), key: account.api_key })
    }

    pub async fn create(
        &self,
        payment_id: PaymentId,
        amount: &StripeAmount,
        token: &Secret,
    ) -> Result<Intent, ApiError> {
        let form = [
            ("amount", amount.minor.to_string()),
            ("currency", amount.currency.clone()),
            ("payment_method", token.expose().clone()),
            ("capture_method", "automatic".to_owned()),
            ("automatic_payment_methods[enabled]", "true".to_owned()),
            ("automatic_payment_methods[allow_redirects]", "never".to_owned()),
            ("metadata[payment_id]", payment_id.to_string()),
        ];
        self.send(self.post("/v1/payment_intents", Some(format!("souk-payment-{payment_id}")), &form)).await
    }

    /// Confirms an intent, which takes the money.
    pub async fn confirm(&self, payment_id: PaymentId, id: &IntentId) -> Result<Intent, ApiError> {
        let path = format!("/v1/payment_intents/{}/confirm", id.as_str());
        self.send(self.post(&path, Some(format!("souk-payment-{payment_id}-confirm")), &[WITH_CHARGE])).await
    }

    /// Cancels an intent that took no money.
    pub async fn cancel(&self, id: &IntentId) -> Result<Intent, ApiError> {
        let path = format!("/v1/payment_intents/{}/cancel", id.as_str());
        // Without an idempotency key: a cancelled intent stays cancelled, and a replayed response would hide the
        // current state.
        self.send(self.post(&path, None, &[WITH_CHARGE])).await
    }

    pub async fn intent(&self, id: &IntentId) -> Result<Intent, ApiError> {
        self.send(self.get(&format!("/v1/payment_intents/{}", id.as_str()), &[WITH_CHARGE])).await
    }

    pub async fn refund(&self, params: &RefundParams) -> Result<Refund, ApiError> {
        let form = [
            ("payment_intent", params.intent.as_str().to_owned()),
            ("amount", params.minor.to_string()),
            ("metadata[refund_id]", params.refund_id.to_string()),
            ("metadata[payment_id]", params.payment_id.to_string()),
        ];
        self.send(self.post("/v1/refunds", Some(params.key()), &form)).await
    }

    /// Lists the refunds of an intent, newest first, from the one after the refund `after` on.
    pub async fn refunds(&self, intent: &IntentId, after: Option<&str>) -> Result<Refunds, ApiError> {
        let mut query = vec![("payment_intent", intent.as_str()), ("limit", PAGE)];
        query.extend(after.map(|after| ("starting_after", after)));
        self.send(self.get("/v1/refunds", &query)).await
    }

    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
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

    pub async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ApiError> {
        let request = request.bearer_auth(self.key.expose()).header("stripe-version", API_VERSION);
        let response = request.send().await.map_err(|error| {
            let cause = error_chain(&error);
            if error.is_connect() || error.is_builder() { ApiError::Unsent(cause) } else { ApiError::Lost(cause) }
        })?;
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let request_id = header("request-id").unwrap_or("?").to_owned();
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        // A longer body is as good as none, like a connection that breaks: the request may have taken effect.
        let body = http_body::read_at_most(response, BODY_LIMIT).await;
        let body = body.map_err(|error| ApiError::Lost(error_chain(&error)))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| ApiError::Lost(format!("undocumented response: {error}, request {request_id}")));
        }
        // Without Stripe's own error body the response may come from a proxy in between.
        let Ok(ErrorBody { error }) = serde_json::from_slice(&body) else {
            return Err(ApiError::Lost(format!("{status}, request {request_id}")));
        };
        let refusal = Refusal { status: status.as_u16(), error, request_id };
        if status.as_u16() == 429 {
            return Err(ApiError::Limited(refusal, retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE)));
        }
        // A timeout, or a concurrent or a different request with the same key: a request with this key may have taken
        // effect, and no answer is saved under it.
        let is_open = matches!(refusal.status, 408 | 409) || refusal.error.kind == "idempotency_error";
        if is_open || status.is_redirection() {
            return Err(ApiError::Lost(refusal.to_string()));
        }
        Err(if status.is_client_error() { ApiError::Refused(refusal) } else { ApiError::Failed(refusal) })
    }
}
