//! The registry of services: any Eureka client registers here and finds the other services.

mod admission;
mod app;
mod config;
mod error;
mod metrics;
mod negotiation;
mod page;
mod registry;
mod replication;
mod request_body;
mod response_cache;
mod routes;
mod security;
mod tasks;

use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::{DiscoveryConfig, SecurityConfig};

use app::App;

#[derive(Debug)]
pub struct Discovery;

impl Service for Discovery {
    const NAME: &'static str = "discovery";
    const PORT: u16 = 8761;
    type Config = DiscoveryConfig;

    /// Builds the service. It serves immediately; the registry of its peers is read in the background.
    async fn build(config: DiscoveryConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let credentials = security::required(&config.security);
        let app = App::new(config, deps)?;
        if credentials.is_none() && app.config.is_public {
            tracing::warn!(
                "every caller who reaches this discovery server may register and read; set \
                 discovery.security.user and discovery.security.password to require a login"
            );
        }
        metrics::describe();
        let tasks = tasks::table(&app);
        let parts = ServiceParts::new(Self::NAME, routes::router(app), routes::openapi());
        let parts = parts.without_bus().running(tasks);
        Ok(match credentials {
            Some(expected) => parts.guarded(move |routes| security::protect(routes, expected)),
            None => parts,
        })
    }

    fn openapi() -> OpenApi {
        routes::openapi()
    }
}
