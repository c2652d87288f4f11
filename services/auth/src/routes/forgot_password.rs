//! Somebody forgot a password, and asks for a mail.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use utoipa::ToSchema;

use crate::{App, account::Email, error::AuthError, store::PendingReset};

/// Who forgot.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct Forgot {
    /// The account's address, in any case.
    #[garde(skip)]
    email: String,
}

/// Asks for a mail with a reset token, good once within an hour.
///
/// The answer is the same, and takes as long, whether the address is known or not.
#[utoipa::path(post, path = "", request_body = Forgot,
    responses((status = 202, description = "a mail is sent if the address is known")))]
pub async fn handle(State(app): State<App>, ValidJson(body): ValidJson<Forgot>) -> Result<StatusCode, AuthError> {
    let email = Email::parse(&body.email)?;
    let request = PendingReset {
        request_id: app.ids.uuid().to_string(),
        email_key: email.key(),
        traceparent: souk_bus::trace::current(),
    };
    app.store.ask_reset(request, app.clock.now()).await?;
    app.reset_asked.notify_one();
    Ok(StatusCode::ACCEPTED)
}
