//! Who the caller is.

use axum::{Json, extract::State};
use souk_kit::auth::{Caller, Role};

use crate::{App, error::AuthError, sign_in::UserView};

/// Shows who the caller is.
#[utoipa::path(get, path = "", responses((status = 200, body = UserView, description = "the caller, as of now")))]
pub async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<UserView>, AuthError> {
    if caller.role == Role::Guest {
        return Ok(Json(UserView::guest(caller.user_id)));
    }
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountGone)?;
    Ok(Json((&account).into()))
}
