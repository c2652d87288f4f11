//! `GET /api/openapi/{document}`: the OpenAPI documents of all services.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use souk_kit::{Problem, extract::Path};

use crate::app::App;

/// Shows the OpenAPI document of a service, with the paths under which the gateway serves it.
#[utoipa::path(get, path = "",
    params(("document" = String, Path, description = "Name of the service with `.json`", example = "order.json")),
    responses(
        (status = 200, body = serde_json::Value, description = "An OpenAPI 3.1 document."),
        (status = 404, description = "`gateway.document_not_found`"),
        (status = 503, description = "`gateway.document_unavailable`"),
    ))]
pub(crate) async fn handle(State(app): State<App>, Path(document): Path<String>) -> Result<Json<Value>, Problem> {
    let name = document.strip_suffix(".json").unwrap_or_default();
    if name == "gateway" {
        return serde_json::to_value(super::openapi()).map(Json).map_err(|error| Problem::internal(&error));
    }
    let service = app.services.iter().find(|service| **service == name).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "gateway.document_not_found", "There is no document of this name.")
    })?;
    let cause = match app.upstreams.get(service, "/openapi.json").await {
        Ok((StatusCode::OK, body)) => match serde_json::from_slice(&body) {
            Ok(document) => return Ok(Json(as_served_here(document))),
            Err(error) => error.to_string(),
        },
        Ok((status, _)) => format!("its response is {status}"),
        Err(error) => error,
    };
    tracing::warn!(service = "gateway", peer = service, error = cause, "an OpenAPI document could not be fetched");
    let detail = format!("The document of {service} is not available right now. Please try again in a moment.");
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "gateway.document_unavailable", detail);
    Err(problem.retry_after(std::time::Duration::from_secs(2)))
}

/// Removes internal paths, which the gateway does not route, and sets the base URL of the others.
fn as_served_here(mut document: Value) -> Value {
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| path != "/internal" && !path.starts_with("/internal/"));
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("servers".to_owned(), json!([{"url": "/api"}]));
    }
    document
}
