//! Whether the whole shop is open.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, ServiceHealth};

/// Whether the whole shop is open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"status": "UP", "catalogue": "UP", "services": [{"name": "order", "status": "UP"}]}))]
pub struct ShopHealth {
    /// `UP` when all that follows is.
    pub status: &'static str,
    /// Whether the catalogue of a new shop is loaded.
    pub catalogue: &'static str,
    /// Each service.
    pub services: Vec<ServiceHealth>,
}

/// Says whether the whole shop is open: its catalogue loaded and every service ready.
#[utoipa::path(get, path = "", responses(
    (status = 200, body = ShopHealth, description = "The shop is open."),
    (status = 503, body = ShopHealth, description = "Something is missing; the body says what."),
))]
pub async fn handle(State(app): State<App>) -> (StatusCode, Json<ShopHealth>) {
    let services = app.health_of_services().await;
    let catalogue = *app.0.shop_is_ready.borrow();
    let is_up = catalogue && services.iter().all(|service| service.error.is_none());
    let word = |is_up| if is_up { "UP" } else { "DOWN" };
    let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ShopHealth { status: word(is_up), catalogue: word(catalogue), services }))
}
