//! The state that the gateway's own endpoints share.

use std::sync::Arc;

use futures::future::join_all;
use http::StatusCode;
use serde::Serialize;
use souk_kit::{Peers, discovery::Registry};
use souk_resilience::Breaker;
use souk_values::Clock;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{
    extras::TestClock, route_config::RouteConfig, shop_facts::FactsReader, upstreams::Upstreams, visits::Visits,
};

#[derive(Clone)]
pub(crate) struct App {
    pub upstreams: Upstreams,
    /// Breakers in the order of their names.
    pub breakers: Arc<[Arc<Breaker>]>,
    /// The routing table as it is configured.
    pub routes: Arc<[RouteConfig]>,
    pub peers: Peers,
    pub services: Arc<[&'static str]>,
    pub shop_is_ready: watch::Receiver<bool>,
    /// `None` for a shop without a registry.
    pub registry: Option<Registry>,
    /// Locked while the clock is moved, so that each move starts from the offset that the previous one stored.
    pub test_clock: Option<Arc<Mutex<TestClock>>>,
    pub visits: Arc<Visits>,
    pub facts: FactsReader,
    pub clock: Arc<dyn Clock>,
    pub stop: CancellationToken,
}

/// Readiness of one service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "order", "status": "UP"}))]
pub(crate) struct ServiceHealth {
    /// Name of the service, such as `order`.
    pub name: &'static str,
    /// `UP` if the service is ready for requests, otherwise `DOWN`.
    pub status: &'static str,
    /// Reason why the service is down; absent while it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl App {
    /// Probes the readiness of every service concurrently.
    pub async fn health_of_services(&self) -> Vec<ServiceHealth> {
        join_all(self.services.iter().map(|name| self.health_of(name))).await
    }

    async fn health_of(&self, name: &'static str) -> ServiceHealth {
        let error = match self.upstreams.get(name, "/health/ready").await {
            Ok((StatusCode::OK, _)) => None,
            Ok((status, _)) => Some(format!("its readiness is {}", status.as_u16())),
            Err(error) => {
                tracing::debug!(service = "gateway", peer = name, error, "a readiness probe failed");
                Some("it cannot be reached".to_owned())
            }
        };
        ServiceHealth { name, status: if error.is_none() { "UP" } else { "DOWN" }, error }
    }
}
