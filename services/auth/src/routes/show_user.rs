//! `GET /users/{userId}`: a user.

use axum::{Json, extract::State};
use souk_kit::{auth::Admin, extract::Path};
use souk_values::UserId;

use super::list_users::AccountView;
use crate::{app::App, error::AuthError};

/// Returns a user.
#[utoipa::path(get, path = "", params(("userId" = UserId, Path)),
    responses(
        (status = 200, body = AccountView, description = "The user"),
        (status = 400, description = "`path.invalid`"),
        (status = 404, description = "`auth.user_not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(user): Path<UserId>,
) -> Result<Json<AccountView>, AuthError> {
    let account = app.store.account(user).await?.ok_or(AuthError::UserNotFound)?;
    Ok(Json(account.into()))
}
