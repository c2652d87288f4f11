//! `GET /actuator/health[/{component}]`

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{app::App, error::ConfigServerError, security::Caller};

/// Whether configuration can be had. Only who may read is told details.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    component: Option<Path<String>>,
) -> Result<Response, ConfigServerError> {
    let own = match component.as_ref().map(|Path(name)| name.as_str()) {
        None => false,
        Some("configServer") => true,
        // That it answers is what these ask.
        Some("liveness" | "readiness") => return Ok(Json(json!({"status": "UP"})).into_response()),
        Some(_) => return Err(ConfigServerError::NotFound("There is no such health component.".to_owned())),
    };
    let (is_up, details) = config_server(&app).await;
    let status = if is_up { "UP" } else { "DOWN" };
    let mut health = json!({"status": status});
    if caller >= Caller::Reader {
        let detailed = json!({"status": status, "details": details});
        health = if own { detailed } else { json!({"status": status, "components": {"configServer": detailed}}) };
    }
    let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Json(health)).into_response())
}

/// Asks for what a client called `app` would be given.
async fn config_server(app: &App) -> (bool, Value) {
    match app.server.environment(&["app".to_owned()], &["default".to_owned()], None).await {
        Ok(environment) => {
            let sources: Vec<&str> = environment.property_sources.iter().map(|source| source.name.as_str()).collect();
            let label = environment.label;
            let repository = json!({"name": "app", "profiles": ["default"], "label": label, "sources": sources});
            let backend = app.server.backend();
            let details =
                json!({"repositories": [repository], "uris": backend.describe(), "warnings": backend.warnings()});
            (true, details)
        }
        Err(error) => {
            let repository = json!({"application": "app", "profiles": "default"});
            (false, json!({"error": error.to_string(), "repository": repository}))
        }
    }
}
