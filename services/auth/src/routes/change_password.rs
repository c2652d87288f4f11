//! Somebody who is signed in chooses another password.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson};
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    App, address::ClientAddress, error::AuthError, password::NewPassword, sign_in::try_password, store::Change,
};

/// The present password, and the next.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"current": "correct horse battery", "new": "incorrect donkey capacitor"}))]
pub struct ChangePassword {
    /// The present one.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    current: Secret,
    /// 10 to 256 characters, neither the name nor the address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    new: Secret,
}

/// Changes the caller's password.
///
/// Every sign-in of the account ends, this one too: refresh tokens are refused from now on.
#[utoipa::path(post, path = "", request_body = ChangePassword,
    responses(
        (status = 204, description = "changed"),
        (status = 422, description = "`auth.current_password_wrong`"),
        (status = 429, description = "`auth.too_many_attempts`: see Retry-After"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<ChangePassword>,
) -> Result<StatusCode, AuthError> {
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountGone)?;
    let new = NewPassword::parse("new", &body.new, Some(&account.username), Some(&account.email))?;
    if !try_password(&app, &account.user_id.to_string(), &body.current, Some(&account), from).await? {
        return Err(AuthError::CurrentPasswordWrong);
    }
    let proven = account.password_hash.clone();
    let hash = app.hasher.hash(new).await?;
    app.change(account, |account| {
        // Somebody else has changed it since, so what was proven is not the present password.
        if account.password_hash != proven {
            return Err(AuthError::CurrentPasswordWrong);
        }
        let over = account.version;
        let account = account.with_password(hash.clone());
        Ok(Some(Change { account, over, loses_admin: false, ends_resets: true, events: Vec::new() }))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
