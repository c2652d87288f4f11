//! `DELETE apps/{app}/{id}`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::parts::Instance;
use crate::{app::App, registry::Origin};

pub async fn handle(State(app): State<App>, instance: Instance, origin: Origin) -> Response {
    if app.cancel(instance.name(), origin) { StatusCode::OK.into_response() } else { instance.missing() }
}
