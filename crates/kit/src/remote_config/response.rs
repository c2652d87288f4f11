//! Responses of a config server: an environment becomes layers of a configuration, a refusal one line of text.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Fetched;
use crate::config::Sources;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    version: Option<String>,
    property_sources: Vec<PropertySource>,
}

#[derive(Debug, Deserialize)]
struct PropertySource {
    name: String,
    source: Map<String, Value>,
}

/// Texts of Spring Boot's errors without a reason.
const UNINFORMATIVE: [&str; 3] = ["", "Not Found", "No message available"];

/// Parses an environment. The server's first property source wins, so the last becomes the weakest layer.
///
/// Errors: the reason, as a sentence.
pub(super) fn parse(server: &str, body: &[u8]) -> Result<Fetched, String> {
    let environment: Environment = serde_json::from_slice(body).map_err(|error| {
        // The text of serde_json's error may quote a value.
        format!("its response is not a configuration (line {}, column {})", error.line(), error.column())
    })?;
    let sources = environment.property_sources.into_iter().rev().fold(
        Sources::default(),
        |sources, PropertySource { name, source }| {
            let origin = format!("{server} {}", crate::config::masking::without_passwords(&name));
            sources.with_properties(&origin, source.into_iter().map(|(key, value)| (key, plain(value))))
        },
    );
    Ok(Fetched { sources, version: environment.version })
}

/// Unwraps a value of the protocol's second version, which wraps each value with its origin.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut wrapped) if wrapped.contains_key("value") => wrapped.remove("value").unwrap_or_default(),
        value => value,
    }
}

/// Returns the reason in a refusal's body as one line; `None` when there is none beyond the status.
pub(super) fn reason(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let reason = ["message", "detail", "description", "title", "error"]
        .into_iter()
        .find_map(|key| body.get(key)?.as_str().filter(|text| !UNINFORMATIVE.contains(text)))?;
    let line: String = reason.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(500).collect();
    Some(crate::config::masking::without_passwords(&line).into_owned())
}
