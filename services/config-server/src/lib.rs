//! The config server: the configuration of all services, for any Spring Cloud Config client.

pub mod backend;
pub mod cipher;

mod app;
mod config;
mod environment;
mod error;
mod health;
mod metrics;
mod monitor;
mod reader;
mod request;
mod routes;
mod security;

use souk_kit::{Deps, Service, ServiceParts, StartError, config::ConfigError};
use utoipa::openapi::OpenApi;

pub use config::{ConfigServerConfig, ConfigServerExtras, RefreshPublisher};
pub use environment::Environment;
pub use error::ConfigServerError;
pub use monitor::RefreshEvent;
pub use reader::ConfigReader;

use app::App;

pub struct ConfigServer;

impl Service for ConfigServer {
    const NAME: &'static str = "config-server";
    const PORT: u16 = 8888;
    type Config = ConfigServerConfig;

    /// Builds the service: opens the backend, loads the keys, and clones repositories that `clone-on-start` demands.
    async fn build(config: ConfigServerConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let (is_loopback, is_insecure) = (config.extras.is_loopback, config.insecure);
        let app = App::new(config, deps)?;
        app.reader.backend().prepare().await.map_err(|error| StartError::Other(error.to_string()))?;
        app.access.check_openness(is_loopback, is_insecure).map_err(|mistake| ConfigError(vec![mistake]))?;
        metrics::describe();
        let router = routes::table(&app.prefix).with_state(app.clone());
        let App { reader, access, clock, .. } = app;
        Ok(ServiceParts::new(Self::NAME, router, Self::openapi())
            .without_bus()
            .ready_when("configuration", move || {
                let reader = reader.clone();
                async move { reader.probe().await }
            })
            .guarded(move |routes| error::with_bodies(access.guard(routes), clock)))
    }

    fn openapi() -> OpenApi {
        routes::openapi()
    }
}
