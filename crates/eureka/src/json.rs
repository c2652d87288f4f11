//! JSON, as the original writes it, and anything that its clients send.

mod reader;
mod wire;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Accept, Application, Applications, InstanceInfo, StatusInfo};

pub use reader::read_registration;

use wire::{ApplicationsWire, InstanceWire};

/// `{"applications":{..}}`; applications without instances are left out.
#[must_use]
pub fn applications(applications: &Applications, accept: Accept) -> String {
    text(&Rooted::Applications(ApplicationsWire::new(applications, accept)))
}

/// `{"application":{..}}`.
#[must_use]
pub fn application(application: &Application, accept: Accept) -> String {
    text(&Rooted::Application(wire::application(application, accept)))
}

/// `{"instance":{..}}`, which is also the body of a registration.
#[must_use]
pub fn instance(instance: &InstanceInfo, accept: Accept) -> String {
    text(&Rooted::Instance(Box::new(InstanceWire::new(instance, accept))))
}

/// `{"status":{..}}`, what `GET status` answers.
#[must_use]
pub fn status_info(status: &StatusInfo) -> String {
    let map = |stats: &[(String, String)]| -> Value {
        stats.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
    };
    json!({"status": {
        "generalStats": map(&status.general_stats),
        "applicationStats": map(&status.application_stats),
        "instanceInfo": status.instance.to_json(),
    }})
    .to_string()
}

impl InstanceInfo {
    /// Everything, without the wrapper.
    #[must_use]
    pub fn to_json(&self) -> Value {
        value(&InstanceWire::new(self, Accept::Full))
    }

    /// What a caller needs to reach it, without the wrapper.
    #[must_use]
    pub fn to_compact_json(&self) -> Value {
        value(&InstanceWire::new(self, Accept::Compact))
    }
}

impl Applications {
    /// `{"applications":{..}}`; applications without instances are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        value(&Rooted::Applications(ApplicationsWire::new(self, Accept::Full)))
    }
}

/// Every top level object has its name around it.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Rooted<'a> {
    Applications(ApplicationsWire<'a>),
    Application(wire::ApplicationWire<'a>),
    Instance(Box<InstanceWire<'a>>),
}

// The keys of these types are texts and their numbers are integers, so writing them cannot fail.
fn text(wire: &impl Serialize) -> String {
    serde_json::to_string(wire).unwrap_or_default()
}

fn value(wire: &impl Serialize) -> Value {
    serde_json::to_value(wire).unwrap_or_default()
}
