//! What a config server answers, as layers.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Fetched;
use crate::config::Sources;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    version: Option<String>,
    property_sources: Vec<PropertySource>,
}

#[derive(Debug, Deserialize)]
struct PropertySource {
    name: String,
    source: Map<String, Value>,
}

/// Texts of Spring Boot's errors that have no reason in them.
const SAYS_NOTHING: [&str; 3] = ["", "Not Found", "No message available"];

/// Reads an environment. The server's first source wins, so the last is the weakest layer. Errors: a sentence.
pub(super) fn read(server: &str, body: &[u8]) -> Result<Fetched, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        // serde_json's words may quote a value.
        format!("its answer is not a configuration (line {}, column {})", error.line(), error.column())
    })?;
    let sources = answer.property_sources.into_iter().rev().fold(
        Sources::default(),
        |sources, PropertySource { name, source }| {
            let origin = format!("{server} {}", crate::config::masking::without_passwords(&name));
            sources.with_properties(&origin, source.into_iter().map(|(key, value)| (key, plain(value))))
        },
    );
    Ok(Fetched { sources, version: answer.version })
}

/// The second version of the protocol wraps each value with its origin.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut wrapped) if wrapped.contains_key("value") => wrapped.remove("value").unwrap_or_default(),
        value => value,
    }
}

/// What a refusing server says is wrong, in one line. `None`: no more than its status does.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let said = ["message", "detail", "description", "title", "error"]
        .into_iter()
        .find_map(|key| body.get(key)?.as_str().filter(|text| !SAYS_NOTHING.contains(text)))?;
    let line: String = said.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(500).collect();
    Some(crate::config::masking::without_passwords(&line).into_owned())
}
