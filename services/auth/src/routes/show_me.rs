//! `GET /auth/me`: the user of the caller's token.

use axum::{Json, extract::State};
use souk_kit::auth::{Caller, Role};

use crate::{app::App, error::AuthError, sign_in::UserView};

/// Returns the user of the caller's token, registered or guest.
#[utoipa::path(get, path = "", responses((status = 200, body = UserView, description = "The current data of the caller")))]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<UserView>, AuthError> {
    if caller.role == Role::Guest {
        return Ok(Json(UserView::guest(caller.user_id)));
    }
    let account = app.store.account(caller.user_id).await?.ok_or(AuthError::AccountMissing)?;
    Ok(Json((&account).into()))
}
