//! The state that handlers share.

use std::sync::Arc;

use souk_kit::{Deps, config::ConfigError};
use souk_values::{Clock, IdGen, Secret};

use crate::{
    config::{ConfigServerConfig, RefreshPublisher},
    error::ConfigServerError,
    health::HealthCache,
    metrics,
    monitor::{self, RefreshEvent},
    reader::ConfigReader,
    security::{AccessControl, Credentials},
};

#[derive(Clone)]
pub(crate) struct App {
    pub reader: ConfigReader,
    pub access: AccessControl,
    pub clock: Arc<dyn Clock>,
    ids: IdGen,
    /// `None` in a process without a bus.
    refresh: Option<RefreshPublisher>,
    /// Secret of webhooks; empty when none is configured.
    pub monitor_secret: Secret,
    pub health: Arc<HealthCache>,
    /// Path prefix that begins with a slash, or is empty.
    pub prefix: Arc<str>,
}

impl App {
    /// Errors: all mistakes of the configuration.
    pub fn new(config: ConfigServerConfig, deps: &Deps) -> Result<Self, ConfigError> {
        let credentials = Credentials::new(&config.security);
        let default_backend = config.extras.default_backend.clone();
        let reader = ConfigReader::open(&config, &deps.clock, &deps.ids, default_backend);
        let prefix = config.path_prefix();
        let (credentials, reader, prefix) = match (credentials, reader, prefix) {
            (Ok(credentials), Ok(reader), Ok(prefix)) => (credentials, reader, prefix),
            (credentials, reader, prefix) => {
                let lists = [credentials.err(), reader.err(), prefix.err().map(|mistake| vec![mistake])];
                return Err(ConfigError(lists.into_iter().flatten().flatten().collect()));
            }
        };
        let has_monitor_secret = !config.monitor.secret.expose().is_empty();
        Ok(Self {
            reader,
            access: AccessControl::new(credentials, has_monitor_secret),
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            refresh: config.extras.refresh,
            monitor_secret: config.monitor.secret,
            health: Arc::default(),
            prefix: prefix.into(),
        })
    }

    /// Publishes a refresh event for each of `names`, upon which the applications concerned reload their configuration.
    pub async fn publish_refresh(&self, names: &[String]) -> Result<(), ConfigServerError> {
        let Some(publish) = &self.refresh else { return Ok(()) };
        for name in names {
            let event = RefreshEvent::new(monitor::destination(name), &self.ids, self.clock.now());
            tracing::info!(destination = event.destination_service, "publishing a refresh event");
            let published = publish(event).await;
            metrics::count_refresh_event(published.is_ok());
            published.map_err(ConfigServerError::Bus)?;
        }
        Ok(())
    }
}
