//! Takes a changed configuration over while services run: told over the bus, it is read anew, checked as a whole,
//! and applied; or, if anything of it is wrong, the process goes on with what it has.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use souk_bus::Announcement;
use souk_kit::{Deps, Running, Service, telemetry};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    configuration::{Configuration, Section},
    starting::{self, Process},
};
use crate::{CommandError, files, settings::Settings};

/// A change tells of itself several times, and many processes hear it at once: so long is waited, by chance.
const GATHER: Duration = Duration::from_millis(300);
/// The longest pause between two attempts to take over a change.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What is only read when a process starts, beside the sections that are not replaceable, and stores that are files.
const AT_START: [&str; 5] = ["bus.", "serve.", "registration.", "services.", "shop.service-secret"];

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
    /// The stores that are files, which this process took at its start.
    pub files: Vec<PathBuf>,
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

    /// Applies each change to `running`, for as long as it is polled. What fails is tried again: the news came once.
    pub async fn run(mut self, running: &[&Running]) {
        loop {
            self.told().await;
            let mut pause = GATHER;
            loop {
                // Real time: how long the network's echo is waited for, and then the pace of trying again.
                tokio::time::sleep(pause + self.served.deps.ids.jitter(GATHER)).await;
                while self.announcements.try_recv().is_ok() {}
                let Err(error) = Box::pin(self.served.refresh(running)).await else { break };
                if pause == GATHER {
                    tracing::error!(
                        error = %error,
                        "the changed configuration is not taken over; this process goes on as it is, and tries again"
                    );
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Waits until there may be something to take over.
    async fn told(&mut self) {
        loop {
            match self.announcements.recv().await {
                Ok(announcement) if concerns(&announcement, &self.served.names) => return,
                Ok(_) => {}
                // Something was missed; it may have concerned us.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Whether it tells one of `names` to read its configuration anew.
fn concerns(announcement: &Announcement, names: &[String]) -> bool {
    if announcement.is_missed() {
        return true;
    }
    let Ok(refresh) = Refresh::deserialize(&*announcement.0) else { return false };
    let service = refresh.destination_service.split(':').next().unwrap_or_default();
    refresh.kind == "RefreshRemoteApplicationEvent"
        && (matches!(service, "" | "*" | "**") || names.iter().any(|name| name == service))
}

impl Served {
    /// Reads the configuration anew and takes over what has changed: all of it or, on an error, nothing.
    async fn refresh(&mut self, running: &[&Running]) -> Result<(), CommandError> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let newer = Box::pin(self.settings.again(&names)).await?;
        let changed = self.settings.changed_keys(&newer, &names);
        if changed.is_empty() {
            tracing::info!("the configuration was read anew; nothing of it that concerns this process has changed");
            self.settings = newer;
            return Ok(());
        }
        let mut configuration = Configuration::read(&self.names, &newer).map_err(CommandError::failed)?;
        // Connections to the other services hold the secret that they began with.
        configuration.shop.service_secret = self.deps.shop.service_secret.clone();
        let deps = Deps { shop: configuration.shop, ..self.deps.clone() };
        let mut waiting: Vec<&str> = changed.iter().map(String::as_str).filter(is_read_once).collect();
        let mut successors = Vec::new();
        for mut section in configuration.sections {
            let own = format!("{}.", section.name());
            let concerns = |key: &&str| (key.starts_with(&own) || key.starts_with("shop.")) && !is_read_once(key);
            let mine: Vec<&str> = changed.iter().map(String::as_str).filter(concerns).collect();
            let before = running.iter().find(|running| running.name == section.name());
            match before {
                _ if mine.is_empty() => {}
                Some(before) if section.is_replaceable() && self.holds_files_of(&section) => {
                    (self.complete)(&mut section);
                    successors.push((before, self.build(&section, &deps).await?));
                }
                _ => waiting.extend(mine),
            }
        }
        // From here on nothing can fail.
        tracing::info!(keys = changed.join(", "), "the configuration has changed");
        for (before, service) in successors {
            let name = service.name;
            if before.replace(service, &deps) {
                tracing::info!(service = name, "runs by the changed configuration");
            }
        }
        if changed.iter().any(|key| key == "telemetry.level") {
            telemetry::change_level(configuration.log_filter);
        }
        waiting.sort_unstable();
        waiting.dedup();
        if !waiting.is_empty() {
            tracing::warn!(keys = waiting.join(", "), "these keys take effect when the process is started again");
        }
        (self.deps, self.settings) = (deps, newer);
        Ok(())
    }

    async fn build(&self, section: &Section, deps: &Deps) -> Result<Service, CommandError> {
        let built = Box::pin(starting::build(section, deps, &self.process)).await;
        built.map_err(|error| CommandError::failed(format!("{} cannot be started by it: {error}", section.name())))
    }

    /// Whether every store of `section` that is a file was taken by this process at its start.
    fn holds_files_of(&self, section: &Section) -> bool {
        section.store_urls().into_iter().filter_map(files::file_of).all(|file| self.files.contains(&file))
    }
}

fn is_read_once(key: &&str) -> bool {
    AT_START.iter().any(|beginning| key.starts_with(beginning))
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
        assert!(concerns(&Announcement::missed(), &names), "what was missed may have concerned us");
        assert!(!heeds("RefreshRemoteApplicationEvent", "order-prod:**"));
        assert!(!heeds("AckRemoteApplicationEvent", "**"));
        assert!(!concerns(&Announcement(Arc::new(json!("text"))), &names));
    }

    #[test]
    fn what_is_read_once_is_known() {
        assert!(["bus.url", "shop.service-secret", "services.order"].iter().all(is_read_once));
        assert!(!["order.pay-within-seconds", "shop.name", "telemetry.level"].iter().any(is_read_once));
    }
}
