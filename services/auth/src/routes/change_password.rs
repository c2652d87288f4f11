//! `POST /auth/password`: changing the caller's own password.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson};
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    address::ClientAddress, app::App, error::AuthError, password::NewPassword, sign_in::check_password,
    store::AccountChange,
};

/// The current and the new password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"current": "correct horse battery", "new": "incorrect donkey capacitor"}))]
pub(crate) struct ChangePassword {
    /// Current password, as proof of identity.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    current: Secret,
    /// New password: 10 to 256 characters, neither user name nor e-mail address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    new: Secret,
}

/// Changes the caller's password.
///
/// All sign-ins of the account end, including this one: their refresh tokens are refused from now on, and their access
/// tokens within a second. A mail informs the owner.
#[utoipa::path(post, path = "", request_body = ChangePassword,
    responses(
        (status = 204, description = "The password is changed"),
        (status = 422, description = "`auth.current_password_wrong`"),
        (status = 429, description = "`auth.too_many_attempts`, `auth.busy`: see Retry-After"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<ChangePassword>,
) -> Result<StatusCode, AuthError> {
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountMissing)?;
    let new = NewPassword::parse("new", &body.new, Some(&account.username), Some(&account.email))?;
    if !check_password(&app, &account, &body.current, from).await? {
        return Err(AuthError::CurrentPasswordWrong);
    }
    let verified = account.password_hash.clone();
    let hash = app.hasher.hash(new).await?;
    app.change(account, |account| {
        // Changed concurrently: the password that was verified is no longer the current one.
        if account.password_hash != verified {
            return Err(AuthError::CurrentPasswordWrong);
        }
        let now = app.clock.now();
        let (after, event) = account.clone().with_password(hash.clone(), now);
        Ok(Some(AccountChange::between(&account, after, now, vec![app.stamper.stamp(&event)?])))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
