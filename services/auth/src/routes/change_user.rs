//! `PATCH /users/{userId}`: changing another user's role or lock.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::{Admin, Role},
    extract::{Path, ValidJson},
};
use souk_values::UserId;
use utoipa::ToSchema;

use super::list_users::AccountView;
use crate::{app::App, error::AuthError, store::AccountChange};

/// Role that an account may have.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = GivenRole)]
pub(crate) enum AccountRole {
    Customer,
    Admin,
}

impl From<AccountRole> for Role {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Customer => Self::Customer,
            AccountRole::Admin => Self::Admin,
        }
    }
}

/// Changes of a user's rights; fields that are left out stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"locked": true}))]
pub(crate) struct ChangeUser {
    /// New role of the user: `customer` or `admin`.
    #[garde(skip)]
    role: Option<AccountRole>,
    /// True to lock the user out, false to unlock.
    #[garde(skip)]
    locked: Option<bool>,
}

/// Changes a user's role or lock.
///
/// A new role or a lock ends all sign-ins of the user: refresh tokens are refused immediately, and access tokens within a
/// second.
#[utoipa::path(patch, path = "", request_body = ChangeUser, params(("userId" = UserId, Path)),
    responses(
        (status = 200, body = AccountView, description = "The changed user"),
        (status = 400, description = "`path.invalid`"),
        (status = 404, description = "`auth.user_not_found`"),
        (status = 409, description = "`auth.last_admin`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Admin,
    Path(user): Path<UserId>,
    ValidJson(body): ValidJson<ChangeUser>,
) -> Result<Json<AccountView>, AuthError> {
    // A token may outlive its admin's rights by a moment, in which it must not be able to restore them.
    if !app.store.account(caller.user_id).await?.is_some_and(|admin| admin.is_active_admin()) {
        return Err(AuthError::AdminRightsLost);
    }
    let role = body.role.map(Role::from);
    let account = app.store.account(user).await?.ok_or(AuthError::UserNotFound)?;
    let account = app
        .change(account, |before| {
            let Some((after, event)) = before.clone().with_rights(role, body.locked) else { return Ok(None) };
            let events = vec![app.stamper.stamp(&event)?];
            Ok(Some(AccountChange::between(&before, after, app.clock.now(), events)))
        })
        .await?;
    Ok(Json(account.into()))
}
