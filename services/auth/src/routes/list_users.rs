//! `GET /users`: a page of users.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use souk_kit::{
    auth::{Admin, Role},
    extract::{Paged, listed_ids, search_terms},
};
use souk_values::{Language, Page, Timestamp, UserId};
use utoipa::{IntoParams, ToSchema};

use super::change_user::AccountRole;
use crate::{account::Account, app::App, error::AuthError, store::AccountFilter};

/// Maximum number of `ids`.
const MAX_IDS: usize = 100;

/// An empty `q` or `ids` is the same as an absent one.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserListFilter {
    /// Part of the user name or of the e-mail address, regardless of case, at most 200 characters.
    #[serde(default)]
    #[param(required = false, example = "ada@")]
    q: String,
    /// Returns only users with this role.
    #[param(inline)]
    role: Option<AccountRole>,
    /// `true` for users who may not sign in, `false` for those who may.
    locked: Option<bool>,
    /// Ids of users, separated by commas, at most 100: returns only these users.
    #[serde(default)]
    #[param(required = false, example = "246290604621824,246290604621825")]
    ids: String,
}

impl UserListFilter {
    fn read(self) -> Result<AccountFilter, AuthError> {
        let query = search_terms(&self.q).map_err(AuthError::Query)?;
        let ids = (!self.ids.is_empty()).then(|| listed_ids(&self.ids, "user").map_err(AuthError::Query));
        let ids: Option<Vec<UserId>> = ids.transpose()?;
        if ids.as_ref().is_some_and(|ids| ids.len() > MAX_IDS) {
            return Err(AuthError::Query(format!("ids: at most {MAX_IDS}")));
        }
        Ok(AccountFilter { query, role: self.role.map(Role::from), locked: self.locked, ids })
    }
}

/// A user as shown to admins.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer",
    "language": "en", "locked": false, "createdAt": "2026-01-31T12:00:00.000Z"
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
    /// Language of the mails to the user.
    language: Language,
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
            language: account.language,
            locked: account.locked,
            created_at: account.created_at,
        }
    }
}

/// Lists users, newest first.
#[utoipa::path(get, path = "",
    params(Paged<UserListFilter>),
    responses(
        (status = 200, body = Page<AccountView>, description = "A page of users"),
        (status = 400, description = "`query.invalid`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Paged(page, filter): Paged<UserListFilter>,
) -> Result<Json<Page<AccountView>>, AuthError> {
    Ok(Json(app.store.accounts(&filter.read()?, page).await?.map(AccountView::from)))
}
