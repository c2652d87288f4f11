//! An admin looks at all users.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{
    auth::{Admin, Role},
    extract::Paging,
};
use souk_values::{Page, Timestamp, UserId};
use utoipa::ToSchema;

use crate::{App, account::Account, error::AuthError};

/// A user, as an admin sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer",
    "locked": false, "createdAt": "2026-01-31T12:00:00.000Z"
}))]
pub struct AccountView {
    /// Who.
    user_id: UserId,
    /// The name shown.
    username: String,
    /// Where mail goes.
    email: String,
    /// `customer` or `admin`.
    role: Role,
    /// Whether signing in is refused.
    locked: bool,
    /// When the account was made.
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
    params(
        ("page" = Option<u32>, Query, description = "from 0", example = 0),
        ("size" = Option<u32>, Query, description = "1 to 100", minimum = 1, maximum = 100, example = 20),
    ),
    responses((status = 200, body = Page<AccountView>, description = "a page of users")))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Paging(page): Paging,
) -> Result<Json<Page<AccountView>>, AuthError> {
    let (accounts, total) = app.store.accounts(page).await?;
    Ok(Json(Page::new(accounts, page, total).map(AccountView::from)))
}
