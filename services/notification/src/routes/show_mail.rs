//! `GET /notifications/mailbox/{mailId}`: shows a mail of the mailbox folder.

use axum::{Json, extract::State};
use souk_kit::{auth::Admin, extract::Path};
use souk_values::NotificationId;

use crate::{app::App, error::NotificationError, mailer::MailboxMail};

/// Shows a mail of the mailbox folder with its plain text and HTML. For admins.
#[utoipa::path(get, path = "", params(("mailId" = NotificationId, Path, description = "Id of the mail, from the list")),
    responses(
        (status = 200, body = MailboxMail),
        (status = 404, description = "`mail.not_found`"),
        (status = 503, description = "`mailbox.unavailable`: the folder cannot be read")))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<NotificationId>,
) -> Result<Json<MailboxMail>, NotificationError> {
    app.mailbox.read(id).await?.map(Json).ok_or(NotificationError::MailNotFound)
}
