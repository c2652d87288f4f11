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
    provider::{Notice, NoticeError, sandbox::SandboxNotice},
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
        ("provider" = String, Path, description = "`sandbox`"),
        ("X-Souk-Signature" = String, Header,
            description = "Of the sandbox: HMAC-SHA256 of the body with the shared secret, hexadecimal"),
    ),
    request_body = SandboxNotice,
    responses(
        (status = 204, description = "Taken, also when there is no such payment"),
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
    let Notice { payment_id } = app.provider.read_notice(&headers, &body).map_err(|error| match error {
        NoticeError::Forged => PaymentError::WebhookForged,
        NoticeError::Unreadable => PaymentError::WebhookUnreadable,
    })?;
    settling::look_again(&app, payment_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
