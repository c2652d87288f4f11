//! `GET /notifications`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Customer,
    extract::{Paging, Query},
};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{app::App, error::NotificationError, notice::Notice};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only notices that are not read yet.
    #[serde(default)]
    #[param(required = false)]
    unread: bool,
    /// From 0.
    #[serde(rename = "page")]
    #[param(minimum = 0)]
    _page: Option<u32>,
    /// 1 to 100; 20.
    #[serde(rename = "size")]
    #[param(minimum = 1, maximum = 100)]
    _size: Option<u32>,
}

/// Lists your notices, newest first.
#[utoipa::path(get, path = "", params(Filter),
    responses((status = 200, body = Page<Notice>, description = "`total` with `unread=true` is how many are unread")))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<Page<Notice>>, NotificationError> {
    Ok(Json(app.store.notices(caller.user_id, filter.unread, page).await?))
}
