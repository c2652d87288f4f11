//! Configuration: defaults in code < files < environment, all mistakes told at once.
//!
//! `SOUK_ORDER__STORE_URL` is `order.store-url` in files; kebab, camel and snake case are read alike.

use std::{collections::BTreeMap, path::Path};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Everything wrong with a configuration, a line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} mistake(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

/// The merged sources, by section. Later sources win.
#[derive(Debug, Clone, Default)]
pub struct Sources(Map<String, Value>);

impl Sources {
    /// The environment's `SOUK_*` variables.
    #[must_use]
    pub fn from_env() -> Self {
        Self::default().with_env(std::env::vars())
    }

    /// These sources, then `SOUK_SECTION__KEY` of `variables`. Variables without `__` are not sections.
    #[must_use]
    pub fn with_env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, text) in variables {
            let Some(path) = name.strip_prefix("SOUK_") else { continue };
            if path.contains("__") {
                let keys: Vec<String> = path.split("__").map(normal).collect();
                set(&mut self.0, &keys, Value::String(text));
            }
        }
        self
    }

    /// These sources, then the YAML files `application.yml` and `{name}.yml` of `folder` that exist.
    ///
    /// Errors: a file that cannot be read or is not YAML.
    pub fn with_files(mut self, folder: &Path, names: &[&str]) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        for name in std::iter::once(&"application").chain(names) {
            let path = folder.join(format!("{name}.yml"));
            match std::fs::read_to_string(&path) {
                Ok(text) => match serde_saphyr::from_str::<Value>(&text) {
                    Ok(Value::Object(tree)) => merge(&mut self.0, tree),
                    Ok(Value::Null) => {}
                    Ok(_) => mistakes.push(format!("{}: the top level is not a mapping", path.display())),
                    Err(error) => mistakes.push(format!("{}: {error}", path.display())),
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => mistakes.push(format!("{}: {error}", path.display())),
            }
        }
        if mistakes.is_empty() { Ok(self) } else { Err(ConfigError(mistakes)) }
    }

    /// These sources with `section.key` set, as a flag of the command line does.
    #[must_use]
    pub fn with(mut self, section: &str, key: &str, value: impl Into<Value>) -> Self {
        set(&mut self.0, &[normal(section), normal(key)], value.into());
        self
    }

    /// These sources, then `later`, whose values win.
    #[must_use]
    pub fn then(mut self, later: &Self) -> Self {
        merge(&mut self.0, later.0.clone());
        self
    }

    /// One text of a section, if it is there.
    #[must_use]
    pub fn text(&self, section: &str, key: &str) -> Option<String> {
        self.0.get(&normal(section))?.get(normal(key))?.as_str().map(str::to_owned)
    }

    /// The texts of a section that maps names to texts, such as `services`.
    #[must_use]
    pub fn texts(&self, section: &str) -> BTreeMap<String, String> {
        let entries = self.0.get(&normal(section)).and_then(Value::as_object);
        entries
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| value.as_str().map(|text| (key.replace('_', "-"), text.to_owned())))
            .collect()
    }

    /// A section as `T`, whose fields are snake case, defaulted (`#[serde(default)]`), and closed
    /// (`deny_unknown_fields`). Errors: every unknown key and every value that does not fit.
    pub fn section<T: DeserializeOwned>(&self, section: &str) -> Result<T, ConfigError> {
        let mut tree = self.0.get(&normal(section)).cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let mut mistakes = Vec::new();
        // Each round mends or removes what the deserializer stumbled over, so that all is found.
        loop {
            let error = match serde_path_to_error::deserialize::<_, T>(&tree) {
                Ok(value) if mistakes.is_empty() => return Ok(value),
                Ok(_) => return Err(ConfigError(mistakes)),
                Err(error) => error,
            };
            let keys: Vec<String> = error.path().iter().map(ToString::to_string).collect();
            match read_text(&mut tree, &keys) {
                Mended::Yes => {}
                Mended::No => {
                    mistakes.push(format!("{section}.{}: {}", keys.join(".").replace('_', "-"), error.inner()));
                    let removed = remove(&mut tree, &keys);
                    if !removed {
                        return Err(ConfigError(mistakes));
                    }
                }
            }
        }
    }
}

enum Mended {
    Yes,
    No,
}

/// Environment variables are texts; a text where a number, truth value or list is due becomes one.
fn read_text(tree: &mut Value, keys: &[String]) -> Mended {
    let Some(value) = find(tree, keys) else { return Mended::No };
    let Some(text) = value.as_str() else { return Mended::No };
    match serde_json::from_str::<Value>(text) {
        Ok(read @ (Value::Number(_) | Value::Bool(_) | Value::Array(_))) => *value = read,
        _ if text.contains(',') => {
            *value = text.split(',').map(|part| Value::String(part.trim().to_owned())).collect();
        }
        _ => return Mended::No,
    }
    Mended::Yes
}

fn find<'t>(tree: &'t mut Value, keys: &[String]) -> Option<&'t mut Value> {
    keys.iter().try_fold(tree, |node, key| node.as_object_mut()?.get_mut(key))
}

fn remove(tree: &mut Value, keys: &[String]) -> bool {
    let Some((last, parents)) = keys.split_last() else { return false };
    find(tree, parents).and_then(Value::as_object_mut).is_some_and(|parent| parent.remove(last).is_some())
}

fn set(tree: &mut Map<String, Value>, keys: &[String], value: Value) {
    let Some((first, rest)) = keys.split_first() else { return };
    if rest.is_empty() {
        tree.insert(first.clone(), value);
        return;
    }
    let child = tree.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    if let Some(child) = child.as_object_mut() {
        set(child, rest, value);
    }
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        let key = normal(&key);
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, Value::Object(new)) => {
                let mut child = Map::new();
                merge(&mut child, new);
                into.insert(key, Value::Object(child));
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// `storeUrl`, `store-url`, `STORE_URL` and `store_url` are one key.
fn normal(key: &str) -> String {
    let shouted = !key.chars().any(char::is_lowercase);
    let mut out = String::with_capacity(key.len());
    for letter in key.chars() {
        if letter.is_uppercase() && !shouted && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(if letter == '-' { '_' } else { letter }.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use souk_values::Secret;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        store_url: String,
        pay_within_seconds: u64,
        admin_password: Secret,
        peers: Vec<String>,
    }

    fn env(pairs: &[(&str, &str)]) -> Sources {
        Sources::default().with_env(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn every_spelling_is_read_and_later_sources_win() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("application.yml"), "order:\n  store-url: a\n  payWithinSeconds: 5\n")
            .unwrap();
        std::fs::write(folder.path().join("order.yml"), "order:\n  storeUrl: b\n").unwrap();
        let sources = Sources::default().with_files(folder.path(), &["order"]).unwrap().with_env([
            ("SOUK_ORDER__ADMIN_PASSWORD".to_owned(), "12345".to_owned()),
            ("SOUK_ORDER__PEERS".to_owned(), "one, two".to_owned()),
        ]);
        let config: Config = sources.section("order").unwrap();
        assert_eq!((config.store_url.as_str(), config.pay_within_seconds), ("b", 5));
        assert_eq!(config.admin_password.expose(), "12345");
        assert_eq!(config.peers, ["one", "two"]);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let sources = env(&[
            ("SOUK_ORDER__STORE_URI", "x"),
            ("SOUK_ORDER__PAY_WITHIN_SECONDS", "soon"),
            ("SOUK_ORDER__COLOUR", "red"),
            ("SOUK_CART__ANYTHING", "is another section's"),
        ]);
        let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        let text = mistakes.join("\n");
        assert!(text.contains("order.store-uri") && text.contains("order.colour"), "{text}");
        assert!(text.contains("order.pay-within-seconds"), "{text}");
    }
}
