//! Whether this gateway takes requests.

use axum::{Json, extract::State, http::StatusCode};

use super::live::Health;
use crate::app::App;

/// Says whether this gateway takes requests; of the services it says nothing.
#[utoipa::path(get, path = "", responses(
    (status = 200, body = Health, description = "It takes requests."),
    (status = 503, body = Health, description = "It is stopping: `{\"status\":\"DOWN\"}`"),
))]
pub async fn handle(State(App(known)): State<App>) -> (StatusCode, Json<Health>) {
    if known.stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "DOWN" }))
    } else {
        (StatusCode::OK, Json(Health { status: "UP" }))
    }
}
