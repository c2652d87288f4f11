//! `GET /health/ready`: the readiness of the gateway.

use axum::{Json, extract::State, http::StatusCode};

use super::live::Health;
use crate::app::App;

/// Reports whether this gateway accepts requests; the readiness of the services does not count.
#[utoipa::path(get, path = "", responses(
    (status = 200, body = Health, description = "The gateway accepts requests."),
    (status = 503, body = Health, description = "The gateway is stopping: `{\"status\":\"DOWN\"}`"),
))]
pub(crate) async fn handle(State(app): State<App>) -> (StatusCode, Json<Health>) {
    if app.stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "DOWN" }))
    } else {
        (StatusCode::OK, Json(Health { status: "UP" }))
    }
}
