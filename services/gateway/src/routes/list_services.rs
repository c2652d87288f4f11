//! `GET /api/admin/services`: the services and their readiness.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::auth::Admin;
use utoipa::ToSchema;

use crate::app::{App, ServiceHealth};

/// All services behind the gateway.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceList {
    /// Services with their readiness, in the order of the shop's configuration.
    pub items: Vec<ServiceHealth>,
    /// Number of this page, always 0.
    pub page: usize,
    /// Number of items on this page: all of them.
    pub size: usize,
    /// Number of items on all pages.
    pub total: usize,
}

/// Lists the services of the shop with their readiness.
#[utoipa::path(get, path = "", responses((status = 200, body = ServiceList, description = "All services.")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin) -> Json<ServiceList> {
    let items = app.health_of_services().await;
    let total = items.len();
    Json(ServiceList { items, page: 0, size: total, total })
}
