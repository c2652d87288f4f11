//! `POST /admin/{service}/dead-letters/{deadLetterId}/replay`: puts a dead letter back into its queue.

use axum::{extract::State, http::StatusCode};

use super::{own_letter, refuse};
use crate::{Problem, auth::Admin, extract::Path, health::Frame};

/// Puts a dead letter back into its queue, with no attempts counted. An event that could not be published is published.
#[utoipa::path(post, path = "",
    params(("deadLetterId" = String, Path, format = Uuid, description = "Id of the dead letter, a UUID")),
    responses(
        (status = 202, description = "It is in its queue; the letter no longer exists"),
        (status = 404, description = "`dead_letter.not_found`"),
        (status = 409, description = "`dead_letter.unreadable`: it is an unpublished event that cannot be read"),
    ))]
pub(crate) async fn handle(
    _: Admin,
    State(frame): State<Frame>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let letter = own_letter(&frame, &id).await?;
    frame.transport.replay(letter.dead_letter_id).await.map_err(|error| refuse(&error))?;
    Ok(StatusCode::ACCEPTED)
}
