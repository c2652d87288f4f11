//! `GET /notifications/mailbox`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{Paging, Query},
};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{app::App, error::NotificationError, mailer::MailboxEntry};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// From 0.
    #[serde(rename = "page")]
    #[param(minimum = 0)]
    _page: Option<u32>,
    /// 1 to 100; 20.
    #[serde(rename = "size")]
    #[param(minimum = 1, maximum = 100)]
    _size: Option<u32>,
}

/// Lists the mails that were kept as files because no mail server is configured, last sent first. For admins.
#[utoipa::path(get, path = "", params(Filter), responses(
    (status = 200, body = Page<MailboxEntry>),
    (status = 503, description = "`mailbox.unavailable`: the folder cannot be read")))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Query(_known): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<Page<MailboxEntry>>, NotificationError> {
    Ok(Json(app.mailbox.list(page).await?))
}
