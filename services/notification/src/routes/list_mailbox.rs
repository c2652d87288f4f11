//! `GET /notifications/mailbox`: lists the mails in the mailbox folder.

use axum::{Json, extract::State};
use souk_kit::{
    auth::Admin,
    extract::{NoFilter, Paged},
};
use souk_values::Page;

use crate::{app::App, error::NotificationError, mailer::MailboxEntry};

/// Lists the mails in the mailbox folder, the last sent first. For admins; empty when a mail server is configured.
#[utoipa::path(get, path = "", params(Paged<NoFilter>), responses(
    (status = 200, body = Page<MailboxEntry>),
    (status = 503, description = "`mailbox.unavailable`: the folder cannot be read")))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Paged(page, _): Paged<NoFilter>,
) -> Result<Json<Page<MailboxEntry>>, NotificationError> {
    Ok(Json(app.mailbox.list(page).await?))
}
