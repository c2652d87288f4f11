//! Whether the gateway runs.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// A status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "UP"}))]
pub struct Health {
    /// `UP` or `DOWN`.
    pub status: &'static str,
}

/// Says that the gateway runs.
#[utoipa::path(get, path = "", responses((status = 200, body = Health, description = "It runs.")))]
pub async fn handle() -> Json<Health> {
    Json(Health { status: "UP" })
}
