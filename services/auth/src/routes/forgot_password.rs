//! `POST /auth/password/forgot`: requesting a mail with a reset token.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use utoipa::ToSchema;

use crate::{
    account::{Email, EmailLine},
    app::App,
    error::AuthError,
    store::ResetRequest,
};

/// Address of the account whose password was forgotten.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org"}))]
#[schema(as = Forgot)]
pub(crate) struct ForgotPassword {
    /// E-mail address of the account, in any case.
    #[garde(dive)]
    #[schema(inline)]
    email: EmailLine,
}

/// Requests a mail with a reset token, which is valid once within an hour.
///
/// The response is the same, and takes as long, whether an account has the address or not.
#[utoipa::path(post, path = "", request_body = ForgotPassword,
    responses((status = 202, description = "A mail is sent if an account has the address")))]
pub(crate) async fn handle(
    State(app): State<App>,
    ValidJson(body): ValidJson<ForgotPassword>,
) -> Result<StatusCode, AuthError> {
    let email = Email::parse(body.email.as_ref())?;
    let request = ResetRequest {
        request_id: app.ids.uuid().to_string(),
        email_key: email.key(),
        traceparent: souk_bus::trace::current(),
    };
    app.store.request_reset(request, app.clock.now()).await?;
    app.reset_requested.notify_one();
    Ok(StatusCode::ACCEPTED)
}
