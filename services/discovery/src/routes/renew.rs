//! `PUT apps/{app}/{id}`: a heartbeat. 404 tells the instance to register.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::parts::{Instance, Query};
use crate::{
    app::App,
    negotiation::Wanted,
    registry::{Origin, Renewal},
};

pub async fn handle(
    State(app): State<App>,
    instance: Instance,
    query: Query,
    origin: Origin,
    wanted: Wanted,
) -> Result<Response, Response> {
    // A name that is no override is none; a heartbeat is not refused for it.
    let overridden = query.get("overriddenstatus").and_then(|text| text.parse().ok());
    let beat = (query.last_dirty_at()?, overridden);
    Ok(match app.renew(instance.name(), beat, origin) {
        Renewal::Renewed(_) => StatusCode::OK.into_response(),
        Renewal::Outdated(_) | Renewal::Unknown => instance.missing(),
        Renewal::Conflict(stored) => wanted.format.answer(StatusCode::CONFLICT, wanted.instance(&stored)),
    })
}
