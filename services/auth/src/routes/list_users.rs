//! `GET /users`: a page of all users.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{
    auth::{Admin, Role},
    extract::{NoFilter, Paged},
};
use souk_values::{Page, Timestamp, UserId};
use utoipa::ToSchema;

use crate::{account::Account, app::App, error::AuthError};

/// A user as shown to admins.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer",
    "locked": false, "createdAt": "2026-01-31T12:00:00.000Z"
}))]
pub(crate) struct AccountView {
    /// Id of the user.
    user_id: UserId,
    /// User name, unique regardless of case.
    username: String,
    /// E-mail address, unique regardless of case.
    email: String,
    /// Role of the user: `customer` or `admin`.
    role: Role,
    /// True if the user may not sign in.
    locked: bool,
    /// Time of registration (RFC 3339, UTC).
    created_at: Timestamp,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.user_id,
            username: account.username.as_str().to_owned(),
            email: account.email.as_str().to_owned(),
            role: account.role,
            locked: account.locked,
            created_at: account.created_at,
        }
    }
}

/// Lists all users, newest first.
#[utoipa::path(get, path = "",
    params(Paged<NoFilter>),
    responses((status = 200, body = Page<AccountView>, description = "A page of users")))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Paged(page, NoFilter {}): Paged<NoFilter>,
) -> Result<Json<Page<AccountView>>, AuthError> {
    let (accounts, total) = app.store.accounts(page).await?;
    Ok(Json(Page::new(accounts, page, total).map(AccountView::from)))
}
