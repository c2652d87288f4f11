//! `PATCH /auth/me`: changing the caller's own name, address or language.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson, text::Line};
use souk_sql::SqlError;
use souk_values::{Language, Secret};
use utoipa::ToSchema;

use super::register::MAX_TAG_LENGTH;
use crate::{
    account::{Account, Email, EmailLine, ProfileChange, Username, UsernameLine, parse_language},
    address::ClientAddress,
    app::App,
    error::AuthError,
    sign_in::{UserView, check_password},
    store::{AccountChange, Conflict},
};

/// Changes of the caller's account; fields that are left out stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"username": "ada.lovelace"}))]
pub(crate) struct ChangeMe {
    /// New user name: 2 to 40 letters of any script, digits, spaces, `_`, `.`, `-` or `'`; unique regardless of case.
    #[garde(dive)]
    #[schema(inline)]
    username: Option<UsernameLine>,
    /// New e-mail address, unique regardless of case.
    #[garde(dive)]
    #[schema(inline)]
    email: Option<EmailLine>,
    /// Current password; required if the e-mail address changes, since it opens the account.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Password)]
    current: Option<Secret>,
    /// New language of the mails to the user.
    #[garde(dive)]
    #[schema(value_type = Option<Language>)]
    language: Option<Line<MAX_TAG_LENGTH>>,
}

/// Changes the caller's name, e-mail address or language.
///
/// A new address requires the current password, and a mail informs the owner of the old one.
#[utoipa::path(patch, path = "", request_body = ChangeMe,
    responses(
        (status = 200, body = UserView, description = "The changed user; tokens carry a new name from the next refresh on"),
        (status = 409, description = "`auth.email_taken`, `auth.username_taken`"),
        (status = 422, description = "`auth.current_password_required`, `auth.current_password_wrong`"),
        (status = 429, description = "`auth.too_many_attempts`, `auth.busy`: see Retry-After"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<ChangeMe>,
) -> Result<Json<UserView>, AuthError> {
    let username = body.username.as_ref().map(AsRef::as_ref).map(Username::parse).transpose()?;
    let email = body.email.as_ref().map(AsRef::as_ref).map(Email::parse).transpose()?;
    let language = body.language.as_ref().map(AsRef::as_ref).map(parse_language).transpose()?;
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountMissing)?;
    // The hash that the password was verified against; without a password no address may change.
    let verified = match (&body.current, &email) {
        (Some(current), Some(_)) => {
            if !check_password(&app, &account, current, from).await? {
                return Err(AuthError::CurrentPasswordWrong);
            }
            Some(account.password_hash.clone())
        }
        _ => None,
    };
    let new_username = username.clone().unwrap_or_else(|| account.username.clone());
    let new_email = email.clone().unwrap_or_else(|| account.email.clone());
    let change = ProfileChange { username, email, language };
    let outcome = app.change(account, |account| {
        let now = app.clock.now();
        let Some((after, event)) = account.clone().with_profile(change.clone()) else {
            return Ok(None);
        };
        check_proof(&account, &after, verified.as_ref())?;
        let mut events = vec![app.stamper.stamp(&event)?];
        if let Some(event) = after.email_changed(&account, now) {
            events.push(app.stamper.stamp(&event)?);
        }
        Ok(Some(AccountChange::between(&account, after, now, events)))
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

/// Errors if the address changes and the password of the account was not `verified`.
fn check_proof(before: &Account, after: &Account, verified: Option<&Secret>) -> Result<(), AuthError> {
    match verified {
        _ if before.email == after.email => Ok(()),
        None => Err(AuthError::CurrentPasswordRequired),
        // Changed concurrently: the password that was verified is no longer the current one.
        Some(hash) if *hash != before.password_hash => Err(AuthError::CurrentPasswordWrong),
        Some(_) => Ok(()),
    }
}
