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

use souk_kit::{Deps, Service, ServiceParts, StartError, config::ConfigError, this_machine::local_only};
use utoipa::openapi::OpenApi;

pub use config::{DiscoveryConfig, SecurityConfig};

use app::App;

#[derive(Debug)]
pub struct Discovery;

/// Refusal to start.
const OPEN: &str = "discovery: it would listen beyond this machine without credentials, and whoever reaches it could \
                    receive the shop's requests; set discovery.security.user and discovery.security.password, or \
                    SOUK_DISCOVERY__INSECURE=true if its network is closed";
/// Refusal of a request.
const LOCAL_ONLY: &str = "No credentials are configured, so only programs of this machine are answered, and no web page. \
                          Set discovery.security.user and discovery.security.password.";

impl Service for Discovery {
    const NAME: &'static str = "discovery";
    const PORT: u16 = 8761;
    type Config = DiscoveryConfig;

    /// Builds the service. It serves immediately; the registry of its peers is read in the background.
    async fn build(config: DiscoveryConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let credentials = security::required(&config.security);
        let app = App::new(config, deps)?;
        let is_insecure = app.config.is_public && app.config.insecure;
        if credentials.is_none() && app.config.is_public && !is_insecure {
            return Err(ConfigError(vec![OPEN.to_owned()]).into());
        }
        if credentials.is_none() && is_insecure {
            tracing::warn!("every caller who reaches this discovery server may register and read");
        }
        metrics::describe();
        let tasks = tasks::table(&app);
        let parts = ServiceParts::new(Self::NAME, routes::router(app), routes::openapi());
        let parts = parts.without_bus().running(tasks);
        Ok(match credentials {
            Some(expected) => parts.guarded(move |routes| security::protect(routes, expected)),
            None if is_insecure => parts,
            None => parts.guarded(|routes| local_only(routes, LOCAL_ONLY)),
        })
    }

    fn openapi() -> OpenApi {
        routes::openapi()
    }
}
