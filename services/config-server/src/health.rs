//! The health of the configuration, as `/actuator/health` reports it.

use std::time::Duration;

use serde_json::{Value, json};
use souk_values::{Clock, Timestamp};
use tokio::sync::Mutex;

use crate::reader::ConfigReader;

/// Lifetime of a result. Health is public, and each check may fetch a repository and parse its files.
const LIFETIME: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub is_up: bool,
    pub details: Value,
}

/// The last result with its time. Concurrent requests wait for the same check.
#[derive(Debug, Default)]
pub(crate) struct HealthCache(Mutex<Option<(Timestamp, Health)>>);

impl HealthCache {
    pub async fn check(&self, reader: &ConfigReader, clock: &dyn Clock) -> Health {
        let mut last = self.0.lock().await;
        let now = clock.now();
        // A result from the future, left by a clock that was set back, must not be kept for longer.
        if let Some((_, health)) = last.as_ref().filter(|(at, _)| now >= *at && now.since(*at) < LIFETIME) {
            return health.clone();
        }
        let health = check(reader).await;
        *last = Some((clock.now(), health.clone()));
        health
    }
}

/// Reads the configuration of an application called `app`, as Spring's health indicator does.
async fn check(reader: &ConfigReader) -> Health {
    match reader.environment(&["app".to_owned()], &["default".to_owned()], None).await {
        Ok(environment) => {
            let sources: Vec<&str> = environment.property_sources.iter().map(|source| source.name.as_str()).collect();
            let label = environment.label;
            let repository = json!({"name": "app", "profiles": ["default"], "label": label, "sources": sources});
            let backend = reader.backend();
            let details = json!({"repositories": [repository], "uris": backend.uris(), "warnings": backend.warnings()});
            Health { is_up: true, details }
        }
        Err(error) => {
            let repository = json!({"application": "app", "profiles": "default"});
            Health { is_up: false, details: json!({"error": error.to_string(), "repository": repository}) }
        }
    }
}
