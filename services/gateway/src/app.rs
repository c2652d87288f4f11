//! What the gateway's own endpoints know.

use std::sync::Arc;

use futures::future::join_all;
use http::StatusCode;
use serde::Serialize;
use souk_resilience::Breaker;
use souk_values::Clock;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{TestClock, upstreams::Upstreams, visits::Visits};

/// Shared by the gateway's own endpoints.
#[derive(Clone)]
pub(crate) struct App(pub Arc<Known>);

/// What they know.
pub(crate) struct Known {
    pub upstreams: Upstreams,
    /// Sorted by name.
    pub breakers: Vec<Arc<Breaker>>,
    pub services: Vec<&'static str>,
    pub shop_is_ready: watch::Receiver<bool>,
    /// Held while it is moved, so that each move starts where the one before ended.
    pub test_clock: Option<Mutex<TestClock>>,
    pub visits: Visits,
    pub clock: Arc<dyn Clock>,
    pub stop: CancellationToken,
}

/// How one service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "order", "status": "UP"}))]
pub struct ServiceHealth {
    /// Which.
    pub name: &'static str,
    /// `UP` or `DOWN`.
    pub status: &'static str,
    /// What is wrong, if it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl App {
    /// Asks every service whether it is ready.
    pub async fn health_of_services(&self) -> Vec<ServiceHealth> {
        join_all(self.0.services.iter().map(|name| self.health_of(name))).await
    }

    async fn health_of(&self, name: &'static str) -> ServiceHealth {
        let error = match self.0.upstreams.ask(name, "/health/ready").await {
            Ok((StatusCode::OK, _)) => None,
            Ok((status, _)) => Some(format!("its readiness is {}", status.as_u16())),
            Err(error) => {
                tracing::debug!(service = "gateway", peer = name, error, "a service did not say how it is");
                Some("it cannot be reached".to_owned())
            }
        };
        ServiceHealth { name, status: if error.is_none() { "UP" } else { "DOWN" }, error }
    }
}
