//! `GET /notifications`: lists the caller's notices.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::Paged};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{app::App, error::NotificationError, notice::Notice};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// True to list unread notices only. Default: false.
    #[serde(default)]
    #[param(required = false)]
    unread: bool,
}

/// Lists your notices, newest first.
#[utoipa::path(get, path = "", params(Paged<Filter>), responses(
    (status = 200, body = Page<Notice>, description = "With `unread=true`, `total` is the number of unread notices")))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Paged(page, filter): Paged<Filter>,
) -> Result<Json<Page<Notice>>, NotificationError> {
    Ok(Json(app.store.notices(caller.user_id, filter.unread, page).await?))
}
