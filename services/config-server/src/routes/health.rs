//! `GET /actuator/health[/{component}]`, the health of the configuration in Spring Boot's format.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{app::App, error::ConfigServerError, health::Health, security::Caller};

/// Returns the health; only callers who may read configuration receive details.
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    component: Option<Path<String>>,
) -> Result<Response, ConfigServerError> {
    let is_component = match component.as_ref().map(|Path(name)| name.as_str()) {
        None => false,
        Some("configServer") => true,
        // Both only report that the process answers.
        Some("liveness" | "readiness") => return Ok(Json(json!({"status": "UP"})).into_response()),
        Some(_) => return Err(ConfigServerError::NotFound("There is no such health component.".to_owned())),
    };
    let Health { is_up, details } = app.health.check(&app.reader, &*app.clock).await;
    let status = if is_up { "UP" } else { "DOWN" };
    let mut body = json!({"status": status});
    if caller >= Caller::Reader {
        let own = json!({"status": status, "details": details});
        body = if is_component { own } else { json!({"status": status, "components": {"configServer": own}}) };
    }
    let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Json(body)).into_response())
}
