//! Flattens a section to rows: each key with its value and origin. Secrets are hidden.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use souk_kit::config::{Sources, masking};

/// Origin of a value that no source sets.
const DEFAULT: &str = "default";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Dotted, in kebab case, such as `order.store-url`.
    pub key: String,
    /// The value, or asterisks in place of a secret.
    pub value: Value,
    /// File, variable or property source that sets the value.
    pub origin: String,
}

/// The configuration of a service as it is printed.
#[derive(Debug, Default, Serialize)]
pub struct Shown {
    /// Ordered by section, and within a section like the fields of its struct.
    pub values: Vec<Row>,
    /// One sentence for each; each starts with its key.
    pub mistakes: Vec<String>,
}

impl Shown {
    /// Adds the section `T` as far as it is correct, and its mistakes.
    pub fn add<T: DeserializeOwned + Serialize>(&mut self, sources: &Sources, section: &str) {
        let (config, mistakes) = sources.section_and_mistakes::<T>(section);
        let values = config.and_then(|config| serde_json::to_value(config).ok()).unwrap_or_default();
        self.add_values(sources, section, &values, mistakes);
    }

    pub fn add_values(&mut self, sources: &Sources, section: &str, values: &Value, mistakes: Vec<String>) {
        if values.as_object().is_some_and(|entries| !entries.is_empty()) {
            Flattening { sources, section, mistakes: &mistakes, rows: &mut self.values }.add("", values);
        }
        self.mistakes.extend(mistakes);
    }
}

struct Flattening<'s> {
    sources: &'s Sources,
    section: &'s str,
    mistakes: &'s [String],
    rows: &'s mut Vec<Row>,
}

impl Flattening<'_> {
    /// Adds the rows of `value`: one for each key of a mapping and each mapping in a list, but one for a list of scalars.
    fn add(&mut self, path: &str, value: &Value) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    self.add(&joined(path, key), value);
                }
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(&format!("{path}[{index}]"), item);
                }
            }
            value => self.add_row(path, value),
        }
    }

    /// Returns the origin of a value. An entry of a mapping may have been given as an item of a list.
    fn origin_of(&self, path: &str) -> Option<&str> {
        let given_as_list = path.strip_suffix(']').and_then(|path| path.split_once('['));
        let of_list = |(list, _)| self.sources.origin_of(self.section, list);
        self.sources.origin_of(self.section, path).or_else(|| given_as_list.and_then(of_list))
    }

    fn add_row(&mut self, path: &str, value: &Value) {
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let key = format!("{}{dot}{path}", self.section);
        // A wrong value is ignored: the row shows the default.
        let is_wrong = self
            .mistakes
            .iter()
            .any(|mistake| mistake.strip_prefix(&key).is_some_and(|rest| rest.starts_with([':', '['])));
        let origin = self.origin_of(path).filter(|_| !is_wrong).unwrap_or(DEFAULT).to_owned();
        let is_from_secret = origin != DEFAULT && self.sources.is_from_secret(self.section, path);
        let value = hidden(&key, value, is_from_secret);
        self.rows.push(Row { key, value, origin });
    }
}

fn hidden(key: &str, value: &Value, is_from_secret: bool) -> Value {
    match value {
        Value::String(text) if is_from_secret && !text.is_empty() => Value::String(masking::HIDDEN.to_owned()),
        Value::String(text) => Value::String(masking::shown(key, text).into_owned()),
        Value::Array(items) => items.iter().map(|item| hidden(key, item, is_from_secret)).collect(),
        other => other.clone(),
    }
}

/// Joins a path and a key in the notation of operators: `a.b-c`, or `a[B.c]` for a key that is no plain word.
fn joined(path: &str, key: &str) -> String {
    let is_plain = |letter: char| letter.is_lowercase() || letter.is_numeric() || matches!(letter, '_' | '-');
    match (path.is_empty(), key.chars().all(is_plain)) {
        (true, true) => key.replace('_', "-"),
        (false, true) => format!("{path}.{}", key.replace('_', "-")),
        (_, false) => format!("{path}[{key}]"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;
    use souk_values::Secret;

    use super::*;

    #[derive(Debug, Default, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        store_url: String,
        api_key: String,
        signing: Secret,
        greeting: String,
        peers: Vec<String>,
        pay_within_seconds: u64,
        rows: Vec<Item>,
        more: BTreeMap<String, String>,
        host: Option<String>,
    }

    #[derive(Debug, Default, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Item {
        is_on: bool,
    }

    fn shown(flat: &[(&str, Value)]) -> Shown {
        let flat = flat.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let mut shown = Shown::default();
        shown.add::<Config>(&Sources::default().with_properties("order.yml", flat), "order");
        shown
    }

    fn row<'r>(shown: &'r Shown, key: &str) -> (&'r Value, &'r str) {
        let row = shown.values.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("{key}: {shown:?}"));
        (&row.value, row.origin.as_str())
    }

    #[test]
    fn each_value_is_shown_with_its_origin() {
        let shown = shown(&[
            ("order.peers", json!(["a", "b"])),
            ("order.rows[0].is-on", json!("true")),
            ("order.more.[A.b]", json!("c")),
            ("order.more.some-name", json!("d")),
        ]);
        assert!(shown.mistakes.is_empty(), "{shown:?}");
        assert_eq!(row(&shown, "order.peers"), (&json!(["a", "b"]), "order.yml"));
        assert_eq!(row(&shown, "order.rows[0].is-on"), (&json!(true), "order.yml"));
        assert_eq!(row(&shown, "order.more[A.b]"), (&json!("c"), "order.yml"));
        assert_eq!(row(&shown, "order.pay-within-seconds"), (&json!(0), "default"));
        assert_eq!(row(&shown, "order.host"), (&Value::Null, "default"));
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = shown(&[
            ("order.store-url", json!("postgres://souk:geheim@h/d")),
            ("order.api-key", json!("geheim")),
            ("order.signing", json!("geheim")),
            ("order.greeting", json!("hello ${db.password}")),
            ("order.peers", json!(["http://u:geheim@h"])),
            ("order.more.password", json!("geheim")),
            ("db.password", json!("geheim")),
        ]);
        assert!(!serde_json::to_string(&shown).unwrap().contains("geheim"), "{shown:?}");
        assert_eq!(row(&shown, "order.store-url").0, &json!("postgres://souk:******@h/d"));
        for key in ["order.api-key", "order.signing", "order.greeting", "order.more.password"] {
            assert_eq!(row(&shown, key), (&json!("******"), "order.yml"), "{key}");
        }
    }

    #[test]
    fn mistakes_are_listed_and_the_rest_is_shown() {
        let shown = shown(&[
            ("order.pay-within-seconds", json!("soon")),
            ("order.colour", json!("red")),
            ("order.greeting", json!("hello")),
        ]);
        assert_eq!(shown.mistakes.len(), 2, "{shown:?}");
        assert_eq!(row(&shown, "order.pay-within-seconds"), (&json!(0), "default"));
        assert_eq!(row(&shown, "order.greeting"), (&json!("hello"), "order.yml"));
    }
}
