//! `POST /notifications/read`: marks all notices as read.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{auth::Customer, extract::NoFields};
use souk_values::Timestamp;
use utoipa::ToSchema;

use crate::{app::App, error::NotificationError};

/// Notices that a request marked as read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"marked": 3, "readAt": "2026-01-31T12:00:00.000Z"}))]
pub(crate) struct ReadNotices {
    /// Number of notices that were unread.
    marked: u64,
    /// Time at which they were marked.
    read_at: Timestamp,
}

/// Marks all your notices as read. A repeated request changes nothing.
#[utoipa::path(post, path = "",
    responses(
        (status = 200, body = ReadNotices, description = "The number of notices that were unread"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has fields; send none"),
        (status = 413, description = "`body.too_large`")))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    _: NoFields,
) -> Result<Json<ReadNotices>, NotificationError> {
    let read_at = app.clock.now();
    let marked = app.store.mark_all_read(caller.user_id, read_at).await?;
    Ok(Json(ReadNotices { marked, read_at }))
}
