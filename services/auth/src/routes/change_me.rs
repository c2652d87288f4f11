//! `PATCH /auth/me`: changing the caller's own name or address.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson};
use souk_sql::SqlError;
use utoipa::ToSchema;

use crate::{
    account::{Email, EmailLine, Username, UsernameLine},
    app::App,
    error::AuthError,
    sign_in::UserView,
    store::{AccountChange, Conflict},
};

/// Changes of the caller's account; fields that are left out stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"username": "ada.lovelace"}))]
pub(crate) struct ChangeMe {
    /// New user name: 3 to 40 letters, digits, `_`, `.` or `-`; unique regardless of case.
    #[garde(dive)]
    #[schema(inline)]
    username: Option<UsernameLine>,
    /// New e-mail address, unique regardless of case.
    #[garde(dive)]
    #[schema(inline)]
    email: Option<EmailLine>,
}

/// Changes the caller's name, e-mail address or both.
#[utoipa::path(patch, path = "", request_body = ChangeMe,
    responses(
        (status = 200, body = UserView, description = "The changed user; tokens carry a new name from the next refresh on"),
        (status = 409, description = "`auth.email_taken`, `auth.username_taken`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    ValidJson(body): ValidJson<ChangeMe>,
) -> Result<Json<UserView>, AuthError> {
    let username = body.username.as_ref().map(AsRef::as_ref).map(Username::parse).transpose()?;
    let email = body.email.as_ref().map(AsRef::as_ref).map(Email::parse).transpose()?;
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountMissing)?;
    let new_username = username.clone().unwrap_or_else(|| account.username.clone());
    let new_email = email.clone().unwrap_or_else(|| account.email.clone());
    let outcome = app.change(account, |account| {
        let base_version = account.version;
        let old_email = account.email.clone();
        let Some((account, event)) = account.with_profile(username.clone(), email.clone()) else { return Ok(None) };
        // A token that was mailed to the old address must no longer open the account.
        let ends_resets = account.email != old_email;
        let events = vec![app.stamper.stamp(&event)?];
        Ok(Some(AccountChange { account, base_version, removes_admin: false, ends_resets, events }))
    });
    match outcome.await {
        Ok(account) => Ok(Json((&account).into())),
        Err(AuthError::Store(SqlError::Unique(cause))) => {
            match app.store.conflict(&new_username, &new_email, None, Some(caller.user_id)).await? {
                Some(Conflict::Email) => Err(AuthError::EmailTaken),
                Some(Conflict::Username) => Err(AuthError::UsernameTaken),
                // The other account has given up the name or address since: a retry succeeds.
                Some(Conflict::RegisterKey(_)) | None => Err(SqlError::Busy(cause).into()),
            }
        }
        Err(error) => Err(error),
    }
}
