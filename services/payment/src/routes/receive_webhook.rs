//! `POST /payments/webhooks/{provider}`.

use axum::{
    body::{self, Body},
    extract::State,
    http::{HeaderMap, StatusCode},
};
use souk_kit::extract::{MAX_BODY, Path};

use crate::{
    app::App,
    error::PaymentError,
    provider::{WebhookError, sandbox::SandboxNotice},
    provider_account::ProviderName,
    settling,
};

/// Receives a provider's webhook about a payment.
///
/// The signature authenticates it, and only the ids of the payment and the refund are read: their state is queried from
/// the provider. A repeated or late webhook therefore does no harm.
#[utoipa::path(
    post,
    path = "",
    params(
        ("provider" = String, Path, description = "Name of a provider of the shop: `sandbox` or `stripe`"),
        ("X-Souk-Signature" = Option<String>, Header,
            description = "Signature of the sandbox: HMAC-SHA256 of the body with the shared secret, hexadecimal"),
        ("Stripe-Signature" = Option<String>, Header,
            description = "Signature of Stripe: `t=…,v1=…` as Stripe documents it, at most five minutes old"),
    ),
    request_body(content = SandboxNotice, description = "As shown from the sandbox; an event object from Stripe"),
    responses(
        (status = 204, description = "Accepted, also when it concerns nothing of this shop"),
        (status = 400, description = "`payment.webhook_signature_invalid`, `payment.webhook_unreadable`"),
        (status = 404, description = "`payment.provider_unknown`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, PaymentError> {
    let provider = ProviderName::parse(&provider).and_then(|name| app.providers.named(name));
    let provider = provider.ok_or(PaymentError::ProviderUnknown)?;
    let body = body::to_bytes(body, MAX_BODY).await.map_err(|_| PaymentError::WebhookTooLarge)?;
    let event = provider.read_webhook(&headers, &body).map_err(|error| match error {
        WebhookError::SignatureInvalid => PaymentError::WebhookSignatureInvalid,
        WebhookError::Unreadable => PaymentError::WebhookUnreadable,
    })?;
    if let Some(event) = event {
        settling::settle_webhook(&app, provider, event).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
