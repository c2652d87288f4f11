//! What one application is configured with: the files of a [`Snapshot`] read, put in order and written out.
//!
//! Everything here is pure: bytes in, values out. [`read`] finds and parses the files, [`format`] writes a merged
//! environment as text, [`resource`] finds a file to be handed out as it is.

mod activation;
mod decode;
mod document;
mod files;
pub mod format;
mod placeholders;
mod properties;
mod resources;
mod scalar;
mod xml;
mod yaml;

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::backend::BackendError;

pub use files::read;
pub use placeholders::Placeholders;
pub use resources::{LocationOrder, Resource, resource};
pub use scalar::Scalar;

/// What an application is configured with under its profiles and label.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// The applications of the request, joined by commas.
    pub name: String,
    /// The profiles of the request.
    pub profiles: Vec<String>,
    /// The label of the request.
    pub label: Option<String>,
    /// The commit that was read.
    pub version: Option<String>,
    /// Index 0 is the strongest.
    pub property_sources: Vec<PropertySource>,
}

/// The properties of one file, or of one document of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertySource {
    /// Unique within its environment.
    pub name: String,
    /// Each key once, in the file's order.
    pub source: Vec<Property>,
}

/// One value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Flat: `a.b[0].c`.
    pub key: String,
    /// Its value; it may be a secret, so `Debug` shows no text.
    pub value: Scalar,
    /// Where the value starts, from 1. `None`: it is written in no file, or its position is not known.
    pub at: Option<Position>,
}

/// A place in a file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// What [`Environment::map_values`] does with one value.
#[derive(Clone, PartialEq)]
pub enum Change {
    /// It stays.
    Keep,
    /// It becomes this text.
    Text(String),
    /// The property is gone, and this one stands in its place in the same source.
    Become {
        /// The new key.
        key: String,
        /// The new value.
        value: String,
    },
}

/// Why an environment cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A file is there and cannot be parsed.
    #[error("{file}{}: {cause}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Unreadable {
        /// The property source's name.
        file: String,
        /// From 1; `None`: it concerns the whole file.
        line: Option<usize>,
        /// What is wrong, without any value of the file.
        cause: String,
    },
    /// A key does not fit into a tree, so there is no JSON and no YAML of it.
    #[error("the key {0:?} is malformed: write a.b, a[0] or a[0].b with an index that is not too large")]
    MalformedKey(String),
    /// The request names so many applications and profiles that reading would take too long.
    #[error("the request asks for {0} files at once, more than {limit}: name fewer applications or profiles",
        limit = files::MOST_CANDIDATES)]
    TooMany(usize),
    /// The files cannot be had.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Environment {
    /// Lets `change` look at every text: it is given the source's name, the key and the text.
    pub fn map_values(&mut self, mut change: impl FnMut(&str, &str, &str) -> Change) {
        for source in &mut self.property_sources {
            let mut renamed = false;
            for property in &mut source.source {
                let Scalar::Text(text) = &property.value else { continue };
                match change(&source.name, &property.key, text) {
                    Change::Keep => {}
                    Change::Text(text) => property.value = Scalar::Text(text),
                    Change::Become { key, value } => {
                        property.value = Scalar::Text(value);
                        property.key = key;
                        renamed = true;
                    }
                }
            }
            if renamed {
                source.keep_last_of_each_key();
            }
        }
    }

    /// Puts a source named `overrides` before all others, unless there are none. `\${` and `$\{` become `${`: that
    /// is how a placeholder meant for the client gets past the server's own configuration.
    pub fn add_overrides(&mut self, overrides: &BTreeMap<String, String>) {
        if overrides.is_empty() {
            return;
        }
        let unescaped = |text: &str| text.replace("\\${", "${").replace("\\{", "{");
        let source = overrides
            .iter()
            .map(|(key, text)| Property { key: key.clone(), value: Scalar::Text(unescaped(text)), at: None })
            .collect();
        self.property_sources.insert(0, PropertySource { name: "overrides".to_owned(), source });
    }

    /// The value of `key` in the strongest source that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Scalar> {
        let mut all = self.property_sources.iter().flat_map(|source| &source.source);
        all.find(|property| property.key == key).map(|property| &property.value)
    }

    /// All sources as one, sorted by key. Of a list (all keys with the same text before their first `[`) only the
    /// strongest source's elements are there. The key `spring.profiles` is left out.
    #[must_use]
    pub fn merged(&self) -> BTreeMap<String, Scalar> {
        format::merged(self)
    }

    /// `text` with its placeholders replaced by this environment's values; see [`Placeholders`].
    #[must_use]
    pub fn resolve_placeholders(&self, text: &str) -> String {
        Placeholders::of(self).resolve(text)
    }

    /// The answer of version 1 of the protocol: plain values.
    #[must_use]
    pub fn to_v1_json(&self) -> Value {
        self.to_json(|_, property| property.value.to_json())
    }

    /// The answer of version 2: each value with its origin, `{source}:{line}:{column}` or the source's name.
    #[must_use]
    pub fn to_v2_json(&self) -> Value {
        self.to_json(|source, property| {
            let origin = match property.at {
                Some(at) => format!("{}:{}:{}", source.name, at.line, at.column),
                None => source.name.clone(),
            };
            json!({"value": property.value.to_json(), "origin": origin})
        })
    }

    fn to_json(&self, value: impl Fn(&PropertySource, &Property) -> Value) -> Value {
        let sources: Vec<Value> = self
            .property_sources
            .iter()
            .map(|source| {
                let values = source.source.iter().map(|property| (property.key.clone(), value(source, property)));
                json!({"name": source.name, "source": Value::Object(values.collect())})
            })
            .collect();
        json!({
            "name": self.name,
            "profiles": self.profiles,
            "label": self.label,
            "version": self.version,
            "state": null,
            "propertySources": sources,
        })
    }
}

impl PropertySource {
    /// Makes each key stand once again, after properties were renamed.
    fn keep_last_of_each_key(&mut self) {
        let mut seen = HashSet::new();
        self.source.reverse();
        self.source.retain(|property| seen.insert(property.key.clone()));
        self.source.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(key: &str, value: &str) -> Property {
        Property { key: key.into(), value: Scalar::Text(value.into()), at: Some(Position { line: 3, column: 7 }) }
    }

    fn environment() -> Environment {
        Environment {
            name: "shop".into(),
            profiles: vec!["dev".into()],
            label: None,
            version: Some("c0ffee".into()),
            property_sources: vec![PropertySource {
                name: "file:///repo/shop.yml".into(),
                source: vec![property("user", "ann"), property("password", "{cipher}aa")],
            }],
        }
    }

    #[test]
    fn version_1_has_plain_values() {
        assert_eq!(
            environment().to_v1_json(),
            json!({"name": "shop", "profiles": ["dev"], "label": null, "version": "c0ffee", "state": null,
                "propertySources": [{"name": "file:///repo/shop.yml",
                    "source": {"user": "ann", "password": "{cipher}aa"}}]})
        );
    }

    #[test]
    fn version_2_says_where_a_value_is_written() {
        let json = environment().to_v2_json();
        let user = &json["propertySources"][0]["source"]["user"];
        assert_eq!(*user, json!({"value": "ann", "origin": "file:///repo/shop.yml:3:7"}));
    }

    #[test]
    fn a_value_can_be_replaced_and_renamed_in_its_source() {
        let mut environment = environment();
        environment.map_values(|source, key, text| {
            assert_eq!(source, "file:///repo/shop.yml");
            match text.strip_prefix("{cipher}") {
                Some(_) => Change::Become { key: format!("invalid.{key}"), value: "<n/a>".into() },
                None => Change::Text(text.to_uppercase()),
            }
        });
        let json = environment.to_v1_json();
        assert_eq!(json["propertySources"][0]["source"], json!({"user": "ANN", "invalid.password": "<n/a>"}));
    }

    #[test]
    fn a_renamed_property_does_not_stand_beside_one_of_the_same_name() {
        let mut environment = environment();
        environment.property_sources[0].source.insert(0, property("invalid.password", "old"));
        environment.map_values(|_, key, text| {
            if !text.starts_with("{cipher}") {
                return Change::Keep;
            }
            Change::Become { key: format!("invalid.{key}"), value: "<n/a>".into() }
        });
        let keys: Vec<_> = environment.property_sources[0].source.iter().map(|property| &property.key).collect();
        assert_eq!(keys, ["user", "invalid.password"]);
    }

    #[test]
    fn overrides_come_first_and_lose_their_escapes() {
        let mut environment = environment();
        environment.add_overrides(&BTreeMap::from([("url".to_owned(), "\\${host}/$\\{path}".to_owned())]));
        assert_eq!(environment.property_sources[0].name, "overrides");
        assert_eq!(environment.get("url"), Some(&Scalar::Text("${host}/${path}".into())));
        environment.property_sources.remove(0);
        environment.add_overrides(&BTreeMap::new());
        assert_eq!(environment.property_sources.len(), 1);
    }

    #[test]
    fn debug_shows_no_text() {
        assert!(!format!("{:?}", environment()).contains("ann"));
    }
}
