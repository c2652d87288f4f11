//! The event that makes applications read their configuration again, as Spring Cloud Bus tells it.

use serde::Serialize;
use souk_values::{IdGen, Timestamp};

/// A `RefreshRemoteApplicationEvent`, the body of a message on the topic `springCloudBus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshEvent {
    /// Always `RefreshRemoteApplicationEvent`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was made, in milliseconds since 1970.
    pub timestamp: i64,
    /// Who made it.
    pub origin_service: String,
    /// Who is meant: `shop:**`, `*:**` or `**`.
    pub destination_service: String,
    /// Unique.
    pub id: String,
}

impl RefreshEvent {
    /// For `destination`, see [`destination`].
    #[must_use]
    pub fn new(destination: String, ids: &IdGen, now: Timestamp) -> Self {
        Self {
            kind: "RefreshRemoteApplicationEvent",
            timestamp: now.millis(),
            origin_service: "config-server".to_owned(),
            destination_service: destination,
            id: ids.uuid().to_string(),
        }
    }
}

/// The destination for a name: all instances, unless it says which. Nothing is everybody.
pub fn destination(name: &str) -> String {
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
