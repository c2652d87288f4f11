//! `GET /api/health/ready`: the readiness of the whole shop.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, ServiceHealth};

/// Readiness of the whole shop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"status": "UP", "catalogue": "UP", "services": [{"name": "order", "status": "UP"}]}))]
pub(crate) struct ShopHealth {
    /// `UP` if the catalogue and every service are, otherwise `DOWN`.
    pub status: &'static str,
    /// `DOWN` while the sample catalogue of a new shop is being loaded, otherwise `UP`.
    pub catalogue: &'static str,
    /// Readiness of each service behind the gateway.
    pub services: Vec<ServiceHealth>,
}

/// Reports whether the whole shop is ready: its catalogue is loaded and every service accepts requests.
#[utoipa::path(get, path = "", responses(
    (status = 200, body = ShopHealth, description = "The shop is ready."),
    (status = 503, body = ShopHealth, description = "A part of the shop is not ready; the body names it"),
))]
pub(crate) async fn handle(State(app): State<App>) -> (StatusCode, Json<ShopHealth>) {
    let services = app.health_of_services().await;
    let catalogue = *app.shop_is_ready.borrow();
    let is_up = catalogue && services.iter().all(|service| service.error.is_none());
    let up_or_down = |is_up| if is_up { "UP" } else { "DOWN" };
    let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ShopHealth { status: up_or_down(is_up), catalogue: up_or_down(catalogue), services }))
}
