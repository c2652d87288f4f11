//! `POST /auth/password/reset`: setting a new password with a mailed token.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    address::ClientAddress,
    app::{App, MAX_ATTEMPTS},
    error::AuthError,
    password::NewPassword,
    store::{AccountChange, Redeemed, StoreError},
    throttle, token,
};

/// Token from the mail, and the new password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "token": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "new": "incorrect donkey capacitor"
}))]
#[schema(as = Reset)]
pub(crate) struct ResetPassword {
    /// Token from the mail, 64 hexadecimal digits.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    token: Secret,
    /// New password: 10 to 256 characters, neither user name nor e-mail address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    new: Secret,
}

/// Sets a new password with the token from a mail.
///
/// The token is valid once; all sign-ins of the account end, and a mail informs the owner.
#[utoipa::path(post, path = "", request_body = ResetPassword,
    responses(
        (status = 204, description = "The password is changed; sign in with it"),
        (status = 422, description = "`auth.reset_token_invalid`"),
        (status = 429, description = "`auth.busy`: see Retry-After"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<ResetPassword>,
) -> Result<StatusCode, AuthError> {
    let token_hash = token::hash(&body.token);
    let user_id =
        app.store.reset_token_user(&token_hash, app.clock.now()).await?.ok_or(AuthError::ResetTokenInvalid)?;
    let mut account = app.store.account(user_id).await?.ok_or(AuthError::ResetTokenInvalid)?;
    let new = NewPassword::parse("new", &body.new, Some(&account.username), Some(&account.email))?;
    let hash = app.hasher.hash(new).await?;
    let mut attempt = 1;
    loop {
        let now = app.clock.now();
        let (after, event) = account.clone().with_password(hash.clone(), now);
        let change = AccountChange::between(&account, after, now, vec![app.stamper.stamp(&event)?]);
        match app.store.redeem(token_hash.clone(), change, now).await {
            Ok(Redeemed::Done) => break,
            Ok(Redeemed::Invalid) => return Err(AuthError::ResetTokenInvalid),
            Err(StoreError::Stale) if attempt < MAX_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
        account = app.store.account(user_id).await?.ok_or(AuthError::ResetTokenInvalid)?;
    }
    // Access to the mailbox is proof enough: the user need not wait for failures with the old password.
    app.store.clear_failures(throttle::key(&user_id.to_string(), from)).await?;
    app.budgets.forgive(&account.username.key());
    app.budgets.forgive(&account.email.key());
    Ok(StatusCode::NO_CONTENT)
}
