//! Applies a changed configuration while services run. A refresh event on the bus makes the process read its
//! configuration again; it is applied as a whole or, if anything in it is wrong, not at all.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use souk_bus::Announcement;
use souk_kit::{Deps, Running, ServiceParts, telemetry};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    building,
    command_error::CommandError,
    configuration::Configuration,
    first_admin,
    services::{Role, Section, ServiceRow},
    settings::Settings,
    sqlite_file,
};

/// Delay before a refresh, doubled by chance. One change causes several events, and every process receives them at the
/// same time: the delay gathers the former and spreads the latter.
const GATHERING_DELAY: Duration = Duration::from_millis(300);
/// Upper bound of the pause between two attempts to apply a change.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Prefixes of keys that are read only when the process starts. The same holds for all keys of services that do not
/// share the bus, and for stores that are files.
const READ_AT_START: [&str; 7] = [
    "bus.",
    "serve.",
    "registration.",
    "services.",
    "shop.service-secret",
    "telemetry.otlp-url",
    "telemetry.trace-ratio",
];

/// Sets the values of a section that only the process knows, such as a token that it generated.
pub type ProcessValues = Box<dyn Fn(&mut Section) + Send + Sync>;

/// The services of this process, the configuration that they run with, and the events that change it.
pub struct ConfigRefresh {
    pub settings: Settings,
    pub services: Vec<&'static ServiceRow>,
    pub deps: Deps,
    /// SQLite files that this process locked when it started.
    pub store_files: Vec<PathBuf>,
    pub process_values: ProcessValues,
    pub announcements: Receiver<Announcement>,
}

/// The event of Spring Cloud Bus that announces a changed configuration.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshEvent {
    #[serde(rename = "type")]
    kind: String,
    /// `order:**` for one service; empty or `**` for all.
    #[serde(default)]
    destination_service: String,
}

impl ConfigRefresh {
    /// Applies each change to `running` until the future is dropped. A failed attempt is repeated, since the event came
    /// only once.
    pub async fn run(mut self, running: &[&Running]) {
        loop {
            self.wait_for_change().await;
            let mut pause = GATHERING_DELAY;
            loop {
                // Real time: how long the echoes of one change take to arrive is not business logic.
                tokio::time::sleep(pause + self.deps.ids.jitter(GATHERING_DELAY)).await;
                while self.announcements.try_recv().is_ok() {}
                let Err(error) = Box::pin(self.refresh(running)).await else { break };
                if pause == GATHERING_DELAY {
                    tracing::error!(
                        error = %error,
                        "the changed configuration is not applied; the services keep the current one until a retry succeeds"
                    );
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    async fn wait_for_change(&mut self) {
        loop {
            match self.announcements.recv().await {
                Ok(announcement) if concerns(&announcement, &self.names()) => return,
                Ok(_) => {}
                // An event was dropped: it may have concerned this process.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.services.iter().map(|service| service.name).collect()
    }

    /// Reads the configuration again and applies what has changed: all of it or, on an error, nothing.
    async fn refresh(&mut self, running: &[&Running]) -> Result<(), CommandError> {
        let names = self.names();
        let newer = Box::pin(self.settings.reload(&names)).await?;
        let changed = self.settings.changed_keys(&newer, &names);
        if changed.is_empty() {
            tracing::info!("the configuration was read again; no key that concerns this process has changed");
            self.settings = newer;
            return Ok(());
        }
        let mut configuration = Configuration::read(&self.services, &newer).map_err(CommandError::failed)?;
        // Connections to the other services keep the secret that they started with.
        configuration.shop.service_secret = self.deps.shop.service_secret.clone();
        let deps = Deps { shop: configuration.shop, ..self.deps.clone() };
        let mut deferred: Vec<&str> = changed.iter().map(String::as_str).filter(is_read_at_start).collect();
        let mut successors = Vec::new();
        for mut section in configuration.sections {
            let own = format!("{}.", section.name());
            let concerns = |key: &&str| (key.starts_with(&own) || key.starts_with("shop.")) && !is_read_at_start(key);
            let keys: Vec<&str> = changed.iter().map(String::as_str).filter(concerns).collect();
            let current = running.iter().find(|running| running.name == section.name());
            match current {
                _ if keys.is_empty() => {}
                Some(current) if section.service.role == Role::Shop && self.has_locked_files_of(&section) => {
                    (self.process_values)(&mut section);
                    successors.push((current, build(&section, &deps).await?));
                }
                _ => deferred.extend(keys),
            }
        }
        // From here on nothing can fail.
        tracing::info!(keys = changed.join(", "), "the configuration has changed");
        for (current, service) in successors {
            let name = service.name;
            if current.replace(service, &deps) {
                tracing::info!(service = name, "runs with the changed configuration");
            }
        }
        if changed.iter().any(|key| key == "telemetry.level") {
            telemetry::change_level(configuration.log_filter);
        }
        deferred.sort_unstable();
        deferred.dedup();
        if !deferred.is_empty() {
            tracing::warn!(keys = deferred.join(", "), "these keys take effect when the process is restarted");
        }
        self.deps = deps;
        self.settings = newer;
        Ok(())
    }

    /// Returns true when this process has locked every store of `section` that is a file.
    fn has_locked_files_of(&self, section: &Section) -> bool {
        section.store_urls().into_iter().filter_map(sqlite_file::path_of).all(|file| self.store_files.contains(&file))
    }
}

async fn build(section: &Section, deps: &Deps) -> Result<ServiceParts, CommandError> {
    let mut parts = building::build(section, deps).await.map_err(|error| {
        CommandError::failed(format!("{} cannot be started with the changed configuration: {error}", section.name()))
    })?;
    first_admin::print_if_created(&mut parts);
    Ok(parts)
}

/// Returns true when `announcement` makes one of the services `names` read its configuration again.
fn concerns(announcement: &Announcement, names: &[&str]) -> bool {
    if announcement.is_missed() {
        return true;
    }
    let Ok(event) = RefreshEvent::deserialize(&*announcement.0) else { return false };
    let service = event.destination_service.split(':').next().unwrap_or_default();
    event.kind == "RefreshRemoteApplicationEvent" && (matches!(service, "" | "*" | "**") || names.contains(&service))
}

fn is_read_at_start(key: &&str) -> bool {
    READ_AT_START.iter().any(|prefix| key.starts_with(prefix))
}

impl std::fmt::Debug for ConfigRefresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigRefresh").field("services", &self.services).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn only_refresh_events_for_this_process_are_applied() {
        let names = ["order", "cart"];
        let applies = |kind: &str, destination: &str| {
            let event = json!({"type": kind, "timestamp": 1, "destinationService": destination, "id": "x"});
            concerns(&Announcement(Arc::new(event)), &names)
        };
        for destination in ["**", "order:**", "cart:**", "*:**", "order", ""] {
            assert!(applies("RefreshRemoteApplicationEvent", destination), "{destination}");
        }
        assert!(concerns(&Announcement::missed(), &names), "a missed event may have concerned this process");
        assert!(!applies("RefreshRemoteApplicationEvent", "order-prod:**"));
        assert!(!applies("AckRemoteApplicationEvent", "**"));
        assert!(!concerns(&Announcement(Arc::new(json!("text"))), &names));
    }

    #[test]
    fn keys_that_are_read_at_start_are_known() {
        assert!(["bus.url", "shop.service-secret", "services.order"].iter().all(is_read_at_start));
        assert!(!["order.pay-within-seconds", "shop.name", "telemetry.level"].iter().any(is_read_at_start));
    }
}
