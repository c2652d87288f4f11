//! `POST /notifications/{notificationId}/read`: marks a notice as read.

use axum::{Json, extract::State};
use souk_kit::{
    auth::Customer,
    extract::{NoFields, Path},
};
use souk_values::NotificationId;

use crate::{app::App, error::NotificationError, notice::Notice};

/// Marks one of your notices as read. A repeated request changes nothing.
#[utoipa::path(post, path = "", params(("notificationId" = NotificationId, Path, description = "Id of the notice, from the list")),
    responses(
        (status = 200, body = Notice, description = "The notice, with `readAt`"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has fields; send none"),
        (status = 413, description = "`body.too_large`"),
        (status = 404, description = "`notification.not_found`: you have no notice with this id")))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(id): Path<NotificationId>,
    _: NoFields,
) -> Result<Json<Notice>, NotificationError> {
    let notice = app.store.mark_read(caller.user_id, id, app.clock.now()).await?;
    notice.map(Json).ok_or(NotificationError::NoticeNotFound)
}
