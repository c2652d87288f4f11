//! `GET /notifications/mailbox`: lists the mails in the mailbox folder.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::Numbered};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{app::App, error::NotificationError, mailer::MailboxEntry};

/// Refuses every parameter besides `page` and `size`, unlike the kit's `NoFilter`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {}

/// Lists the mails in the mailbox folder, the last sent first. For admins; empty when a mail server is configured.
#[utoipa::path(get, path = "", params(Numbered<Filter>), responses(
    (status = 200, body = Page<MailboxEntry>),
    (status = 503, description = "`mailbox.unavailable`: the folder cannot be read")))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Numbered(page, Filter {}): Numbered<Filter>,
) -> Result<Json<Page<MailboxEntry>>, NotificationError> {
    Ok(Json(app.mailbox.list(page).await?))
}
