//! `DELETE /admin/{service}/dead-letters/{deadLetterId}`: deletes a dead letter.

use axum::{extract::State, http::StatusCode};

use super::{own_letter, refuse};
use crate::{Problem, auth::Admin, extract::Path, health::Frame};

/// Deletes a dead letter for good.
#[utoipa::path(delete, path = "",
    params(("deadLetterId" = String, Path, format = Uuid, description = "Id of the dead letter, a UUID")),
    responses(
        (status = 204, description = "The dead letter is deleted"),
        (status = 404, description = "`dead_letter.not_found`"),
    ))]
pub(crate) async fn handle(
    _: Admin,
    State(frame): State<Frame>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let letter = own_letter(&frame, &id).await?;
    frame.transport.discard(letter.dead_letter_id).await.map_err(|error| refuse(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
