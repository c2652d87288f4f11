//! Eureka's JSON: written exactly as the original does, read in every variant that clients send.

mod reader;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Application, Applications, EurekaAccept, InstanceInfo, StatusInfo};

pub use reader::read_registration;

use wire::Detailed;

/// Writes `{"applications":{..}}`; applications without instances are left out.
#[must_use]
pub fn applications(applications: &Applications, accept: EurekaAccept) -> String {
    text("applications", &Detailed(applications, accept))
}

/// Writes `{"application":{..}}`.
#[must_use]
pub fn application(application: &Application, accept: EurekaAccept) -> String {
    text("application", &Detailed(application, accept))
}

/// Writes `{"instance":{..}}`, which is also the body of a registration.
#[must_use]
pub fn instance(instance: &InstanceInfo, accept: EurekaAccept) -> String {
    text("instance", &Detailed(instance, accept))
}

/// Writes `{"status":{..}}`, the body of `GET status`.
#[must_use]
pub fn status_info(status: &StatusInfo) -> String {
    let map = |stats: &[(String, String)]| -> Value { stats.iter().cloned().collect() };
    json!({"status": {
        "generalStats": map(&status.general_stats),
        "applicationStats": map(&status.application_stats),
        "instanceInfo": status.instance.to_json(),
    }})
    .to_string()
}

impl InstanceInfo {
    /// Returns all fields as an object, without the `instance` wrapper.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(Detailed(self, EurekaAccept::Full)).unwrap_or_default()
    }
}

impl Applications {
    /// Returns `{"applications":{..}}`; applications without instances are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"applications": Detailed(self, EurekaAccept::Full)})
    }
}

/// Writes a top-level object, which the protocol wraps in its name.
fn text(name: &str, value: &impl Serialize) -> String {
    // Serialization cannot fail: all keys are strings and all numbers are integers.
    serde_json::to_string(&BTreeMap::from([(name, value)])).unwrap_or_default()
}
