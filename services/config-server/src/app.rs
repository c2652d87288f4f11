//! What handlers share.

use std::sync::Arc;

use futures::future::BoxFuture;
use souk_values::{Clock, IdGen, Secret};

use crate::{error::ConfigServerError, metrics, monitor, routes::Checked, security::Credentials, server::ConfigServer};

/// Publishes an event on the bus. Errors: a sentence.
pub type Refresh = Arc<dyn Fn(monitor::RefreshEvent) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Cloning shares it.
#[derive(Clone)]
pub struct App {
    pub server: ConfigServer,
    pub credentials: Arc<Credentials>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdGen,
    pub refresh: Option<Refresh>,
    pub monitor_secret: Secret,
    pub health: Arc<Checked>,
    /// Begins with a slash, or is empty.
    pub prefix: Arc<str>,
}

impl App {
    /// Whether webhooks can prove who they come from.
    pub fn has_monitor_secret(&self) -> bool {
        !self.monitor_secret.expose().is_empty()
    }

    /// Tells the applications that `names` mean to read their configuration again.
    pub async fn publish(&self, names: &[String]) -> Result<(), ConfigServerError> {
        let Some(refresh) = &self.refresh else { return Ok(()) };
        for name in names {
            let event = monitor::RefreshEvent::new(monitor::destination(name), &self.ids, self.clock.now());
            tracing::info!(destination = event.destination_service, "applications are told to read again");
            let published = refresh(event).await;
            metrics::published(published.is_ok());
            published.map_err(ConfigServerError::Bus)?;
        }
        Ok(())
    }
}
