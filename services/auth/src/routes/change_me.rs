//! Somebody takes another name or address.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson};
use souk_sql::SqlError;
use utoipa::ToSchema;

use crate::{
    App,
    account::{Email, Username},
    error::AuthError,
    sign_in::UserView,
    store::{Change, Taken},
};

/// What shall be another; what is left out stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"username": "ada.lovelace"}))]
pub struct ChangeMe {
    /// 3 to 40 letters, digits, `_`, `.` or `-`; unique in any case.
    #[garde(skip)]
    username: Option<String>,
    /// Unique in any case.
    #[garde(skip)]
    email: Option<String>,
}

/// Changes the caller's name or address.
#[utoipa::path(patch, path = "", request_body = ChangeMe,
    responses(
        (status = 200, body = UserView, description = "changed; tokens show a new name from the next refresh on"),
        (status = 409, description = "`auth.email_taken`, `auth.username_taken`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    ValidJson(body): ValidJson<ChangeMe>,
) -> Result<Json<UserView>, AuthError> {
    let username = body.username.as_deref().map(Username::parse).transpose()?;
    let email = body.email.as_deref().map(Email::parse).transpose()?;
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountGone)?;
    let wanted = (
        username.clone().unwrap_or_else(|| account.username.clone()),
        email.clone().unwrap_or_else(|| account.email.clone()),
    );
    let outcome = app.change(account, |account| {
        let (over, old_email) = (account.version, account.email.clone());
        let Some((account, event)) = account.with_profile(username.clone(), email.clone()) else { return Ok(None) };
        // A token on its way to the old address must not open the account any more.
        let ends_resets = account.email != old_email;
        let events = vec![app.stamper.stamp(&event)?];
        Ok(Some(Change { account, over, loses_admin: false, ends_resets, events }))
    });
    match outcome.await {
        Ok(account) => Ok(Json((&account).into())),
        Err(AuthError::Store(SqlError::Unique(cause))) => {
            match app.store.taken(&wanted.0, &wanted.1, None, Some(caller.user_id)).await? {
                Some(Taken::Email) => Err(AuthError::EmailTaken),
                Some(Taken::Username) => Err(AuthError::UsernameTaken),
                // Whoever had it has given it up in the meantime.
                Some(Taken::Key(_)) | None => Err(SqlError::Busy(cause).into()),
            }
        }
        Err(error) => Err(error),
    }
}
