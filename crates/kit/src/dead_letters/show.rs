//! `GET /admin/{service}/dead-letters/{deadLetterId}`: a dead letter with its event.

use axum::{Json, extract::State};

use super::{DeadLetterView, own_letter};
use crate::{Problem, auth::Admin, extract::Path, health::Frame};

/// Shows a dead letter with its event and the error.
#[utoipa::path(get, path = "",
    params(("deadLetterId" = String, Path, format = Uuid, description = "Id of the dead letter, a UUID")),
    responses(
        (status = 200, body = DeadLetterView, description = "The dead letter"),
        (status = 404, description = "`dead_letter.not_found`"),
    ))]
pub(crate) async fn handle(
    _: Admin,
    State(frame): State<Frame>,
    Path(id): Path<String>,
) -> Result<Json<DeadLetterView>, Problem> {
    own_letter(&frame, &id).await.map(|letter| Json(DeadLetterView::whole(letter)))
}
