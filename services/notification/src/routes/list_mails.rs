//! `GET /notifications/sent`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{Paging, Query},
};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{
    app::App,
    error::NotificationError,
    notice::{Mail, MailStatus},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only mails that are this far.
    #[param(inline)]
    status: Option<MailStatus>,
    /// From 0.
    #[serde(rename = "page")]
    #[param(minimum = 0)]
    _page: Option<u32>,
    /// 1 to 100; 20.
    #[serde(rename = "size")]
    #[param(minimum = 1, maximum = 100)]
    _size: Option<u32>,
}

/// Lists every mail, newest first, and how far it is. For admins.
#[utoipa::path(get, path = "", params(Filter), responses((status = 200, body = Page<Mail>)))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<Page<Mail>>, NotificationError> {
    Ok(Json(app.store.mails(filter.status, page).await?))
}
