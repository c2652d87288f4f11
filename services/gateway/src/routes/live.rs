//! `GET /health/live`: the liveness of the gateway.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Health of this gateway.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "UP"}))]
pub(crate) struct Health {
    /// Health of the gateway: `UP` or `DOWN`.
    pub status: &'static str,
}

/// Reports that the gateway is running.
#[utoipa::path(get, path = "", responses((status = 200, body = Health, description = "The gateway is running.")))]
pub(crate) async fn handle() -> Json<Health> {
    Json(Health { status: "UP" })
}
