//! Takes a changed configuration over while services run: told over the bus, it is read anew, checked as a whole,
//! and applied; or, if anything of it is wrong, the process goes on with what it has.

use std::time::Duration;

use serde::Deserialize;
use souk_bus::Announcement;
use souk_kit::{Deps, Running, telemetry};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    configuration::{Configuration, Section},
    starting::{self, Process},
};
use crate::{CommandError, files, settings::Settings};

/// A change tells of itself several times, and many processes hear it at once: so long is waited, by chance.
const GATHER: Duration = Duration::from_millis(300);
/// What is only read when a process starts, beside stores that are files.
const AT_START: [&str; 5] = ["bus.", "serve.", "registration.", "shop.service-secret", "gateway."];

/// Completes a section with what is not configured.
pub type Complete = Box<dyn Fn(&mut Section) + Send + Sync>;

/// What runs in this process, and by which configuration.
pub struct Served {
    /// The configuration.
    pub settings: Settings,
    /// The services.
    pub names: Vec<String>,
    /// What they were given.
    pub deps: Deps,
    /// The process itself.
    pub process: Process,
    /// Completes a section with what is not configured.
    pub complete: Complete,
}

/// Waits for news of the configuration.
pub struct Refreshing {
    served: Served,
    announcements: Receiver<Announcement>,
}

/// The event of Spring Cloud Bus; others pass by.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    destination_service: String,
}

impl std::fmt::Debug for Refreshing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refreshing").field("names", &self.served.names).finish_non_exhaustive()
    }
}

impl Refreshing {
    /// Hears `announcements` on behalf of what is served.
    pub fn new(served: Served, announcements: Receiver<Announcement>) -> Self {
        Self { served, announcements }
    }

    /// Applies each change to `running`, for as long as it is polled.
    pub async fn run(mut self, running: &[&Running]) {
        loop {
            match self.announcements.recv().await {
                Ok(announcement) if concerns(&announcement, &self.served.names) => {}
                // Something was missed; it may have concerned us.
                Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
            // Real time: how long the network's echo is waited for.
            tokio::time::sleep(GATHER + self.served.deps.ids.jitter(GATHER)).await;
            while self.announcements.try_recv().is_ok() {}
            if let Err(error) = Box::pin(self.served.refresh(running)).await {
                tracing::error!(error = %error, "the changed configuration is not taken over; this process goes on as it is");
            }
        }
    }
}

/// Whether it tells one of `names` to read its configuration anew.
fn concerns(announcement: &Announcement, names: &[String]) -> bool {
    let Ok(refresh) = Refresh::deserialize(&*announcement.0) else { return false };
    let service = refresh.destination_service.split(':').next().unwrap_or_default();
    refresh.kind == "RefreshRemoteApplicationEvent"
        && (matches!(service, "" | "*" | "**") || names.iter().any(|name| name == service))
}

impl Served {
    async fn refresh(&mut self, running: &[&Running]) -> Result<(), CommandError> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let newer = Box::pin(self.settings.again(&names)).await?;
        let changed = self.settings.changed_keys(&newer, &names);
        if changed.is_empty() {
            tracing::info!("the configuration was read anew; nothing of it that concerns this process has changed");
            self.settings = newer;
            return Ok(());
        }
        let configuration = Configuration::read(&self.names, &newer).map_err(CommandError::failed)?;
        tracing::info!(keys = changed.join(", "), "the configuration has changed");
        if changed.iter().any(|key| key == "telemetry.level") {
            telemetry::change_level(configuration.log_filter);
        }
        for (name, bases) in newer.configured_services().map_err(CommandError::failed)? {
            self.deps.peers.directory().set(&name, bases);
        }
        self.deps.shop = configuration.shop;
        let mut waiting: Vec<&str> = at_start(&changed);
        for mut section in configuration.sections {
            let own = format!("{}.", section.name());
            let mine: Vec<&String> =
                changed.iter().filter(|key| key.starts_with(&own) || key.starts_with("shop.")).collect();
            if mine.is_empty() {
                continue;
            }
            (self.complete)(&mut section);
            // A file belongs to the process that took it at its start.
            let moves_file = section.store_urls().into_iter().any(|url| files::file_of(url).is_some())
                && mine.iter().any(|key| key.ends_with("-url"));
            if moves_file || !self.replace(&section, running).await? {
                waiting.extend(mine.iter().map(|key| key.as_str()).filter(|key| key.starts_with(&own)));
            }
        }
        waiting.sort_unstable();
        waiting.dedup();
        if !waiting.is_empty() {
            tracing::warn!(keys = waiting.join(", "), "these keys take effect when the process is started again");
        }
        self.settings = newer;
        Ok(())
    }

    /// Puts a service of this configuration into the place of the one that runs. Answers false where only a new
    /// process can. Errors: it cannot be built; the one that runs goes on.
    async fn replace(&self, section: &Section, running: &[&Running]) -> Result<bool, CommandError> {
        let before = running.iter().find(|running| running.name == section.name());
        let is_fixed = matches!(section, Section::Gateway(_) | Section::Discovery(_) | Section::ConfigServer(_));
        let (Some(before), false) = (before, is_fixed) else { return Ok(false) };
        let service = starting::build(section, &self.deps, &self.process)
            .await
            .map_err(|error| CommandError::failed(format!("{} cannot be started by it: {error}", section.name())))?;
        let is_replaced = before.replace(service, &self.deps);
        if is_replaced {
            tracing::info!(service = section.name(), "runs by the changed configuration");
        }
        Ok(is_replaced)
    }
}

fn at_start(changed: &[String]) -> Vec<&str> {
    let is_read_once = |key: &&str| AT_START.iter().any(|beginning| key.starts_with(beginning));
    changed.iter().map(String::as_str).filter(is_read_once).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn only_refreshes_for_this_process_are_heeded() {
        let names = ["order".to_owned(), "cart".to_owned()];
        let heeds = |kind: &str, destination: &str| {
            let event = json!({"type": kind, "timestamp": 1, "destinationService": destination, "id": "x"});
            concerns(&Announcement(Arc::new(event)), &names)
        };
        for destination in ["**", "order:**", "cart:**", "*:**", "order", ""] {
            assert!(heeds("RefreshRemoteApplicationEvent", destination), "{destination}");
        }
        assert!(!heeds("RefreshRemoteApplicationEvent", "order-prod:**"));
        assert!(!heeds("AckRemoteApplicationEvent", "**"));
        assert!(!concerns(&Announcement(Arc::new(json!("text"))), &names));
    }

    #[test]
    fn what_is_read_once_is_named() {
        let changed = ["order.pay-within".to_owned(), "bus.url".to_owned(), "shop.service-secret".to_owned()];
        assert_eq!(at_start(&changed), ["bus.url", "shop.service-secret"]);
    }
}
