//! An admin gives a role, locks or unlocks.

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
use crate::{App, error::AuthError, store::Change};

/// What a registered person may be.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GivenRole {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
}

/// What shall be another; what is left out stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"locked": true}))]
pub struct ChangeUser {
    /// `customer` or `admin`.
    #[garde(skip)]
    role: Option<GivenRole>,
    /// Whether signing in is refused.
    #[garde(skip)]
    locked: Option<bool>,
}

/// Changes a user's role or lock.
///
/// Another role and a lock end every sign-in of the user: refresh stops at once, access within 15 minutes.
#[utoipa::path(patch, path = "", request_body = ChangeUser, params(("userId" = UserId, Path)),
    responses(
        (status = 200, body = AccountView, description = "changed"),
        (status = 400, description = "`path.invalid`"),
        (status = 404, description = "`auth.user_not_found`"),
        (status = 409, description = "`auth.last_admin`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Admin,
    Path(user): Path<UserId>,
    ValidJson(body): ValidJson<ChangeUser>,
) -> Result<Json<AccountView>, AuthError> {
    // A token outlives its admin's rights by minutes; they must not be enough to take the rights back.
    if !app.store.account(caller.user_id).await?.is_some_and(|admin| admin.is_acting_admin()) {
        return Err(AuthError::NoAdminAnyMore);
    }
    let role = body.role.map(|role| match role {
        GivenRole::Customer => Role::Customer,
        GivenRole::Admin => Role::Admin,
    });
    let account = app.store.account(user).await?.ok_or(AuthError::UserNotFound)?;
    let account = app
        .change(account, |before| {
            let (over, was_admin) = (before.version, before.is_acting_admin());
            let Some((account, event)) = before.with_rights(role, body.locked) else { return Ok(None) };
            let loses_admin = was_admin && !account.is_acting_admin();
            let events = vec![app.stamper.stamp(&event)?];
            Ok(Some(Change { account, over, loses_admin, ends_resets: false, events }))
        })
        .await?;
    Ok(Json(account.into()))
}
