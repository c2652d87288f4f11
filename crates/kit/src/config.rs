//! Configuration in layers: defaults in code < files < config server < environment < flags. All mistakes are reported
//! together.
//!
//! `SOUK_ORDER__STORE_URL` is `order.store-url` in files, and `SOUK_GATEWAY__ROUTES__0__ID` is `gateway.routes[0].id`; kebab,
//! camel and snake case are equivalent. Placeholders `${key}` and `${key:default}` in files and in the config server's values are resolved against all layers.

mod draft;
mod fitting;
mod key;
pub mod masking;
mod merged;
mod placeholders;
mod reading;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, path::Path};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::environment::{self, Variable};

use self::{
    draft::{Draft, Flaw, Node},
    fitting::Misfit,
    key::Step,
    merged::{Merged, plain_text},
    placeholders::Resolver,
    reading::Read,
};

/// Prefix of the key of a value that a config server cannot decrypt.
const INVALID: &str = "invalid.";
/// Placeholder of a config server for a value that it cannot decrypt, with or without the prefix.
const NOT_AVAILABLE: &str = "<n/a>";

/// All mistakes of a configuration, a line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} mistake(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

/// Layers of a configuration, each with its origin. Later ones win: mappings are merged, lists and scalars replaced.
/// `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Sources {
    layers: Vec<Layer>,
}

/// One layer, read from one source.
#[derive(Clone)]
struct Layer {
    origin: String,
    tree: Node,
    flaws: Vec<Flaw>,
    has_placeholders: bool,
}

impl Sources {
    /// Reads the variables `SOUK_*` of the environment, and of files that it names.
    #[must_use]
    pub fn from_env() -> Self {
        let variables = environment::variables().into_iter();
        Self::default().with_variables(variables.map(|(name, Variable { text, origin })| (name, text, origin)))
    }

    /// Adds `SOUK_SECTION__KEY` of `variables`. Variables without `__` belong to no section.
    #[must_use]
    pub fn with_env(self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        let with_origin = |(name, text): (String, String)| {
            let origin = format!("{name} in the environment");
            (name, text, origin)
        };
        self.with_variables(variables.into_iter().map(with_origin))
    }

    /// Adds variables with their names, texts and origins.
    fn with_variables(mut self, variables: impl Iterator<Item = (String, String, String)>) -> Self {
        // The items of a list are one layer: they replace a weaker list together.
        let mut lists: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
        for (name, text, origin) in variables {
            let Some(path) = name.strip_prefix("SOUK_").filter(|path| path.contains("__")) else { continue };
            let (key, list) = key::of_variable(path);
            match list {
                Some(list) => lists.entry(list).or_default().push((key, Value::String(text))),
                None => self.push(origin, false, [(key, Value::String(text))]),
            }
        }
        for (list, items) in lists {
            self.push(format!("SOUK_{list}__0 and its likes in the environment"), false, items);
        }
        self
    }

    /// Adds the YAML files `application.yml` and `{name}.yml` of `folder` that exist.
    ///
    /// Errors: files that cannot be read or are not YAML.
    pub fn with_files(mut self, folder: &Path, names: &[&str]) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        for name in std::iter::once(&"application").chain(names) {
            let path = folder.join(format!("{name}.yml"));
            match std::fs::read_to_string(&path) {
                Ok(text) => match serde_saphyr::from_str::<Value>(&text) {
                    Ok(Value::Object(tree)) => self.push(path.display().to_string(), true, tree),
                    Ok(Value::Null) => {}
                    Ok(_) => mistakes.push(format!("{}: the top level is not a mapping", path.display())),
                    Err(error) => mistakes.push(format!("{}: {}", path.display(), error.without_snippet())),
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => mistakes.push(format!("{}: {error}", path.display())),
            }
        }
        if mistakes.is_empty() { Ok(self) } else { Err(ConfigError(mistakes)) }
    }

    /// Adds the flat properties of `origin`, with keys such as `a.b[0].c`. Its lists replace weaker ones as a whole. A key
    /// `invalid.x`, or the value `<n/a>` of `x`, means that the config server could not decrypt `x`. Such values, malformed
    /// keys and lists with gaps are mistakes of their section.
    #[must_use]
    pub fn with_properties(mut self, origin: &str, flat: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mark_lost = |(key, value): (String, Value)| {
            let is_lost = value.as_str() == Some(NOT_AVAILABLE) && !key.starts_with(INVALID);
            (if is_lost { format!("{INVALID}{key}") } else { key }, value)
        };
        self.push(origin.to_owned(), true, flat.into_iter().map(mark_lost));
        self
    }

    /// Sets `section.key`, as a command-line flag does.
    #[must_use]
    pub fn with(self, section: &str, key: &str, value: impl Into<Value>) -> Self {
        self.with_from("souk itself", section, key, value)
    }

    /// Sets `section.key` on behalf of `origin`, such as `--port`.
    #[must_use]
    pub fn with_from(mut self, origin: &str, section: &str, key: &str, value: impl Into<Value>) -> Self {
        self.push(origin.to_owned(), false, [(format!("{section}.{key}"), value.into())]);
        self
    }

    /// Adds all layers of `later`, which win.
    #[must_use]
    pub fn then(mut self, later: &Self) -> Self {
        self.layers.extend(later.layers.iter().cloned());
        self
    }

    /// Returns the origin of the value of `section.path`, such as `SOUK_ORDER__STORE_URL in the environment` or
    /// `config/order.yml`; `None` when it is not set.
    #[must_use]
    pub fn origin_of(&self, section: &str, path: &str) -> Option<&str> {
        let found = Merged::of(&self.layers).find(&key::parse_in(section, path)?)?.layer;
        self.layers.get(found).map(|layer| layer.origin.as_str())
    }

    /// True when the value of `section.path` includes, by a placeholder, the value of a key that looks secret.
    #[must_use]
    pub fn is_from_secret(&self, section: &str, path: &str) -> bool {
        let merged = Merged::of(&self.layers);
        let Some(steps) = key::parse_in(section, path) else { return false };
        let Some(found) = merged.find(&steps) else { return false };
        let filled = Resolver::new(&self.layers, &merged).fill(&steps, found);
        matches!(filled, Some(Ok((_, true))))
    }

    /// Returns the keys whose values differ in `newer`, sorted, such as `order.store-url`. Never their values.
    #[must_use]
    pub fn changed_keys(&self, newer: &Self) -> Vec<String> {
        let (old, new) = (self.flat(), newer.flat());
        let gone_or_changed = old.iter().filter(|(key, text)| new.get(*key) != Some(text));
        let added = new.keys().filter(|key| !old.contains_key(*key));
        let mut keys: Vec<String> = gone_or_changed.map(|(key, _)| key).chain(added).cloned().collect();
        keys.sort();
        keys
    }

    /// Returns one value of a section as text, a list as comma-separated text; `None` when it is not set.
    #[must_use]
    pub fn text(&self, section: &str, key: &str) -> Option<String> {
        let merged = Merged::of(&self.layers);
        let steps = key::parse_in(section, key)?;
        let found = merged.find(&steps).filter(|found| !found.value.is_null())?;
        match Resolver::new(&self.layers, &merged).fill(&steps, found) {
            Some(Ok((text, _))) => Some(text),
            Some(Err(_)) | None => plain_text(found.value),
        }
    }

    /// Returns the entries of a section that maps names to texts, such as `services`.
    #[must_use]
    pub fn texts(&self, section: &str) -> BTreeMap<String, String> {
        let merged = Merged::of(&self.layers);
        let Some(Merged::Branch(entries)) = merged.below(&key::normal(section)) else { return BTreeMap::new() };
        let named = |key: &&str| self.text(section, key).map(|text| (key.replace('_', "-"), text));
        entries.keys().filter_map(named).collect()
    }

    /// Deserializes a section as `T`, whose fields are snake case, have defaults (`#[serde(default)]`) and deny unknown
    /// ones.
    ///
    /// Errors: every unknown key, every value of a wrong type or still encrypted, every placeholder that cannot be
    /// resolved, and the mistakes that [`Self::with_properties`] recorded.
    pub fn section<T: DeserializeOwned>(&self, section: &str) -> Result<T, ConfigError> {
        match self.section_and_mistakes(section) {
            (Some(value), mistakes) if mistakes.is_empty() => Ok(value),
            (_, mistakes) => Err(ConfigError(mistakes)),
        }
    }

    /// Deserializes a section without its invalid values, if the rest suffices for a `T`, and returns all mistakes. Each
    /// begins with its key and a colon.
    #[must_use]
    pub fn section_and_mistakes<T: DeserializeOwned>(&self, section: &str) -> (Option<T>, Vec<String>) {
        let name = key::normal(section);
        let merged = Merged::of(&self.layers);
        let mut read = Read::new(self, &merged, &name);
        let tree = merged.below(&name).and_then(|node| read.value(node)).unwrap_or(Value::Null);
        let tree = if merged::is_empty(&tree) { Value::Object(Map::new()) } else { tree };
        let (value, misfits) = fitting::fit(tree, &read.secret);
        let mut mistakes = read.mistakes;
        mistakes.extend(misfits.into_iter().map(|misfit| self.describe(&merged, &name, misfit)));
        (value, mistakes)
    }

    /// Describes a mistake with its key and its origin.
    fn describe(&self, merged: &Merged<'_>, section: &str, misfit: Misfit) -> String {
        let mut steps = vec![Step::Key(section.to_owned())];
        steps.extend(misfit.path);
        let mistake = format!("{}: {}", key::show(&steps), misfit.cause);
        match merged.find(&steps).and_then(|found| self.layers.get(found.layer)) {
            Some(layer) => format!("{mistake} ({})", layer.origin),
            None => mistake,
        }
    }

    /// Returns every value as text, by its key. A placeholder that cannot be resolved stays as it is.
    fn flat(&self) -> BTreeMap<String, String> {
        let merged = Merged::of(&self.layers);
        let mut resolver = Resolver::new(&self.layers, &merged);
        let leaves = merged.leaves().into_iter().map(|(steps, found)| {
            let text = match resolver.fill(&steps, found) {
                Some(Ok((text, _))) => text,
                Some(Err(_)) | None => plain_text(found.value).unwrap_or_default(),
            };
            (key::show(&steps), text)
        });
        leaves.collect()
    }

    fn push(&mut self, origin: String, has_placeholders: bool, flat: impl IntoIterator<Item = (String, Value)>) {
        let mut draft = Draft::default();
        for (key, value) in flat {
            match key.strip_prefix(INVALID) {
                Some(lost) => draft.flaw(undecryptable(lost, &origin)),
                None => draft.put(&key, value),
            }
        }
        let (tree, flaws) = draft.finish();
        self.layers.push(Layer { origin, tree, flaws, has_placeholders });
    }
}

fn undecryptable(key: &str, origin: &str) -> Flaw {
    let text = format!(
        "{key}: the config server cannot decrypt {key}: encrypt it again ('souk config encrypt'), or give the server \
         the key that it was encrypted with ({origin})"
    );
    Flaw { section: key::section_of(key), place: key::parse(key).unwrap_or_default(), text }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.layers.iter().map(|layer| &layer.origin)).finish()
    }
}
