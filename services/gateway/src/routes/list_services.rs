//! `GET /api/admin/services`: the services, their readiness, and their instances as the registry has them.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{auth::Admin, discovery::RegisteredInstance};
use souk_values::Timestamp;
use utoipa::ToSchema;

use crate::app::{App, ServiceHealth};

/// A service, its readiness as the gateway finds it, and its instances as the registry has them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "order", "status": "UP",
    "instances": [{"instanceId": "shop:order:8083", "url": "http://10.0.0.5:8083", "status": "UP",
        "registeredAt": "2026-03-01T09:30:00.000Z", "renewedAt": "2026-03-01T09:45:00.000Z"}]
}))]
pub(crate) struct ServiceView {
    /// Name of the service, such as `order`.
    pub name: String,
    /// `UP` if the service is ready for requests, otherwise `DOWN`; `null` for one that the gateway does not call.
    pub status: Option<&'static str>,
    /// Reason why the service is down; absent while it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Instances in the registry, in every status.
    pub instances: Vec<InstanceView>,
}

/// An instance of a service as it is registered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "instanceId": "shop:order:8083", "url": "http://10.0.0.5:8083", "status": "UP",
    "registeredAt": "2026-03-01T09:30:00.000Z", "renewedAt": "2026-03-01T09:45:00.000Z"
}))]
pub(crate) struct InstanceView {
    /// Id of the instance, unique within its service.
    pub instance_id: String,
    /// Base URL for plain HTTP; `null` if it has no such port.
    pub url: Option<String>,
    /// `UP`, `DOWN`, `STARTING`, `OUT_OF_SERVICE` or `UNKNOWN`.
    pub status: &'static str,
    /// Time of the registration; `null` if the registry does not say.
    pub registered_at: Option<Timestamp>,
    /// Time of the latest renewal of its lease; `null` if the registry does not say.
    pub renewed_at: Option<Timestamp>,
}

/// All services of the shop, and those that only the registry knows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceList {
    /// The services behind the gateway in the order of the shop's configuration, then those that only the registry knows.
    pub items: Vec<ServiceView>,
    /// Number of this page, always 0.
    pub page: usize,
    /// Number of items on this page: all of them.
    pub size: usize,
    /// Number of items on all pages.
    pub total: usize,
    /// `UP` if the registry answered, `DOWN` if it did not, `NONE` for a shop without one.
    pub registry: &'static str,
}

/// Lists the services of the shop with their readiness and their instances in the registry.
#[utoipa::path(get, path = "", responses((status = 200, body = ServiceList, description = "All services.")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin) -> Json<ServiceList> {
    let (services, (registry, mut registered)) = tokio::join!(app.health_of_services(), registered(&app));
    let mut items: Vec<ServiceView> = services
        .into_iter()
        .map(|ServiceHealth { name, status, error }| {
            let instances = registered.remove(name).unwrap_or_default();
            ServiceView { name: name.to_owned(), status: Some(status), error, instances }
        })
        .collect();
    let others = registered.into_iter();
    items.extend(others.map(|(name, instances)| ServiceView { name, status: None, error: None, instances }));
    let total = items.len();
    Json(ServiceList { items, page: 0, size: total, total, registry })
}

/// Returns the state of the registry, and its instances by service.
async fn registered(app: &App) -> (&'static str, BTreeMap<String, Vec<InstanceView>>) {
    let mut services: BTreeMap<String, Vec<InstanceView>> = BTreeMap::new();
    let Some(registry) = &app.registry else { return ("NONE", services) };
    match registry.instances().await {
        Ok(instances) => {
            for RegisteredInstance { service, instance_id, url, status, registered_at, renewed_at } in instances {
                let instance = InstanceView { instance_id, url, status, registered_at, renewed_at };
                services.entry(service).or_default().push(instance);
            }
            ("UP", services)
        }
        Err(error) => {
            tracing::debug!(service = "gateway", error, "the registry could not be read");
            ("DOWN", services)
        }
    }
}
