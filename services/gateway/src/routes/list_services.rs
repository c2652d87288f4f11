//! The services and how each is.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::auth::Admin;
use utoipa::ToSchema;

use crate::app::{App, ServiceHealth};

/// Every service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceList {
    /// By name.
    pub items: Vec<ServiceHealth>,
    /// Always 0: there is one page.
    pub page: usize,
    /// As many as there are.
    pub size: usize,
    /// As many as there are.
    pub total: usize,
}

/// Every service of the shop and whether it is ready.
#[utoipa::path(get, path = "", responses((status = 200, body = ServiceList, description = "Every service.")))]
pub async fn handle(State(app): State<App>, _: Admin) -> Json<ServiceList> {
    let items = app.health_of_services().await;
    let total = items.len();
    Json(ServiceList { items, page: 0, size: total, total })
}
