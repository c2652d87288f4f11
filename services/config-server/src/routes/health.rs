//! `GET /actuator/health[/{component}]`

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use souk_values::Timestamp;
use tokio::sync::Mutex;

use crate::{app::App, error::ConfigServerError, security::Caller};

/// For how long an answer is given again: anybody may ask, and each look may fetch and parse.
const KEPT: Duration = Duration::from_secs(1);

/// The last answer and when it was found. Whoever asks while it is looked for waits for it.
pub type Checked = Mutex<Option<(Timestamp, Health)>>;

/// What is known of the configuration's health.
#[derive(Debug, Clone)]
pub struct Health {
    is_up: bool,
    details: Value,
}

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
    let Health { is_up, details } = checked(&app).await;
    let status = if is_up { "UP" } else { "DOWN" };
    let mut health = json!({"status": status});
    if caller >= Caller::Reader {
        let detailed = json!({"status": status, "details": details});
        health = if own { detailed } else { json!({"status": status, "components": {"configServer": detailed}}) };
    }
    let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Json(health)).into_response())
}

async fn checked(app: &App) -> Health {
    let mut last = app.health.lock().await;
    let now = app.clock.now();
    // A clock that was set back must not keep it for longer.
    if let Some((_, health)) = last.as_ref().filter(|(at, _)| now >= *at && now.since(*at) < KEPT) {
        return health.clone();
    }
    let health = config_server(app).await;
    *last = Some((app.clock.now(), health.clone()));
    health
}

/// Asks for what a client called `app` would be given.
async fn config_server(app: &App) -> Health {
    match app.server.environment(&["app".to_owned()], &["default".to_owned()], None).await {
        Ok(environment) => {
            let sources: Vec<&str> = environment.property_sources.iter().map(|source| source.name.as_str()).collect();
            let label = environment.label;
            let repository = json!({"name": "app", "profiles": ["default"], "label": label, "sources": sources});
            let backend = app.server.backend();
            let details =
                json!({"repositories": [repository], "uris": backend.describe(), "warnings": backend.warnings()});
            Health { is_up: true, details }
        }
        Err(error) => {
            let repository = json!({"application": "app", "profiles": "default"});
            Health { is_up: false, details: json!({"error": error.to_string(), "repository": repository}) }
        }
    }
}
