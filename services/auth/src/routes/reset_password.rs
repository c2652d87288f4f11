//! Somebody has got the mail, and chooses another password.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    App, DECISIONS,
    address::ClientAddress,
    error::AuthError,
    password::NewPassword,
    session,
    store::{Change, Redeemed, StoreError},
    throttle,
};

/// The token of the mail, and the next password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "token": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "new": "incorrect donkey capacitor"
}))]
pub struct Reset {
    /// As the mail has it.
    #[garde(skip)]
    #[schema(value_type = String)]
    token: Secret,
    /// 10 to 256 characters, neither the name nor the address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    new: Secret,
}

/// Sets a new password with the token of a mail.
///
/// The token is good once; every sign-in of the account ends.
#[utoipa::path(post, path = "", request_body = Reset,
    responses(
        (status = 204, description = "changed: sign in with the new password"),
        (status = 422, description = "`auth.reset_token_invalid`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<Reset>,
) -> Result<StatusCode, AuthError> {
    let token_hash = session::hash(&body.token);
    let holder = app.store.reset_holder(&token_hash, app.clock.now()).await?.ok_or(AuthError::ResetTokenInvalid)?;
    let mut account = app.store.account(holder).await?.ok_or(AuthError::ResetTokenInvalid)?;
    let new = NewPassword::parse("new", &body.new, Some(&account.username), Some(&account.email))?;
    let hash = app.hasher.hash(new).await?;
    let mut attempt = 1;
    loop {
        let over = account.version;
        let account_now = account.with_password(hash.clone());
        let change = Change { account: account_now, over, loses_admin: false, ends_resets: true, events: Vec::new() };
        match app.store.redeem(token_hash.clone(), change, app.clock.now()).await {
            Ok(Redeemed::Done) => break,
            Ok(Redeemed::Gone) => return Err(AuthError::ResetTokenInvalid),
            Err(StoreError::Stale) if attempt < DECISIONS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
        account = app.store.account(holder).await?.ok_or(AuthError::ResetTokenInvalid)?;
    }
    // Whoever has the mail need not wait for guesses at the old password.
    app.store.forget_failures(throttle::key(&holder.to_string(), from)).await?;
    Ok(StatusCode::NO_CONTENT)
}
