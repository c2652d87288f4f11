//! The OpenAPI documents of all services, as they are reached through the gateway.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use souk_kit::{Problem, extract::Path};

use crate::app::App;

/// The OpenAPI document of a service, `order.json`, as it is reached through the gateway.
#[utoipa::path(get, path = "",
    params(("document" = String, Path, description = "The service and `.json`", example = "order.json")),
    responses(
        (status = 200, body = serde_json::Value, description = "An OpenAPI 3.1 document."),
        (status = 404, description = "`gateway.document_not_found`"),
        (status = 503, description = "`gateway.document_unavailable`"),
    ))]
pub async fn handle(State(app): State<App>, Path(document): Path<String>) -> Result<Json<Value>, Problem> {
    let asked = document.strip_suffix(".json").unwrap_or_default();
    if asked == "gateway" {
        return serde_json::to_value(super::document()).map(Json).map_err(|error| Problem::internal(&error));
    }
    let service = app.0.services.iter().find(|service| **service == asked).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "gateway.document_not_found", "There is no document of this name.")
    })?;
    let cause = match app.0.upstreams.ask(service, "/openapi.json").await {
        Ok((StatusCode::OK, body)) => match serde_json::from_slice(&body) {
            Ok(document) => return Ok(Json(through_gateway(document))),
            Err(error) => error.to_string(),
        },
        Ok((status, _)) => format!("it answered {status}"),
        Err(error) => error,
    };
    tracing::warn!(service = "gateway", peer = service, error = cause, "a document could not be fetched");
    let detail = format!("{service} does not answer with its document right now. Please try again in a moment.");
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "gateway.document_unavailable", detail);
    Err(problem.retry_after(std::time::Duration::from_secs(2)))
}

/// Leaves out what only services call, and says where the rest is found.
fn through_gateway(mut document: Value) -> Value {
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| path != "/internal" && !path.starts_with("/internal/"));
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("servers".to_owned(), json!([{"url": "/api"}]));
    }
    document
}
