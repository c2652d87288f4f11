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
    provider::{NoticeError, sandbox::SandboxNotice},
    settling,
};

/// Takes a provider's notice that something happened to a payment.
///
/// Only the signature makes it believed, and only its payment's id is read: what happened is asked of
/// the provider. So a repeated or late notice does no harm.
#[utoipa::path(
    post,
    path = "",
    params(
        ("provider" = String, Path, description = "The shop's provider: `sandbox` or `stripe`"),
        ("X-Souk-Signature" = Option<String>, Header,
            description = "Of the sandbox: HMAC-SHA256 of the body with the shared secret, hexadecimal"),
        ("Stripe-Signature" = Option<String>, Header,
            description = "Of Stripe: `t=…,v1=…`, as Stripe documents it; at most five minutes old"),
    ),
    request_body(content = SandboxNotice, description = "Of the sandbox as shown; of Stripe an event"),
    responses(
        (status = 204, description = "Taken, also when it is about nothing of this shop"),
        (status = 400, description = "`payment.webhook_signature_invalid`, `payment.webhook_unreadable`"),
        (status = 404, description = "`payment.provider_unknown`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, PaymentError> {
    if provider != app.provider.name() {
        return Err(PaymentError::ProviderUnknown);
    }
    let body = body::to_bytes(body, MAX_BODY).await.map_err(|_| PaymentError::WebhookTooLarge)?;
    let notice = app.provider.read_notice(&headers, &body).map_err(|error| match error {
        NoticeError::Forged => PaymentError::WebhookForged,
        NoticeError::Unreadable => PaymentError::WebhookUnreadable,
    })?;
    if let Some(notice) = notice {
        settling::look_again(&app, notice).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
