//! The event upon which applications reload their configuration, in the format of Spring Cloud Bus.

use serde::Serialize;
use souk_values::{IdGen, Timestamp};

/// A `RefreshRemoteApplicationEvent`, the body of a message on the topic `springCloudBus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshEvent {
    /// The type, always `RefreshRemoteApplicationEvent`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Time of publication in milliseconds since 1970.
    pub timestamp: i64,
    /// Name of the publisher, `config-server`.
    pub origin_service: String,
    /// Pattern of the receiving instances: `shop:**`, `*:**` or `**`.
    pub destination_service: String,
    /// Unique id of the event.
    pub id: String,
}

impl RefreshEvent {
    pub(crate) fn new(destination: String, ids: &IdGen, now: Timestamp) -> Self {
        Self {
            kind: "RefreshRemoteApplicationEvent",
            timestamp: now.millis(),
            origin_service: "config-server".to_owned(),
            destination_service: destination,
            id: ids.uuid().to_string(),
        }
    }
}

/// Returns the pattern of instances for a name: all instances of the application unless the name selects some. An empty
/// name selects every application.
pub(crate) fn destination(name: &str) -> String {
    match name {
        "" | "**" => "**".to_owned(),
        name if name.matches(':').count() <= 1 && !name.ends_with(":**") => format!("{name}:**"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_destinations() {
        for (name, expected) in [
            ("", "**"),
            ("**", "**"),
            ("*", "*:**"),
            ("shop", "shop:**"),
            ("shop:8080", "shop:8080:**"),
            ("shop:**", "shop:**"),
            ("shop:dev:8080", "shop:dev:8080"),
        ] {
            assert_eq!(destination(name), expected, "{name}");
        }
    }
}
