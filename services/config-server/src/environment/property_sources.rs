//! An environment: the property sources of an application in order of precedence.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::scalar::Scalar;

/// The configuration of an application under its profiles and label.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Applications of the request, joined by commas.
    pub name: String,
    pub profiles: Vec<String>,
    /// Label of the request; `None` when it named none.
    pub label: Option<String>,
    /// Commit that was read; `None` for files without versions.
    pub version: Option<String>,
    /// Property sources, strongest first.
    pub property_sources: Vec<PropertySource>,
}

/// The properties of one file, or of one document of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertySource {
    /// Name, unique within its environment.
    pub name: String,
    /// Properties, each key once, in the file's order.
    pub source: Vec<Property>,
}

/// A key with its value and origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Flat key, such as `a.b[0].c`.
    pub key: String,
    pub value: Scalar,
    /// Position at which the value begins; `None` for a value from no file, or of unknown position.
    pub at: Option<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line number, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The effect of [`Environment::map_values`] on one value.
#[derive(Clone, PartialEq)]
pub(crate) enum ValueChange {
    Keep,
    Text(String),
    /// The whole property is replaced, at its position in the source.
    Replace {
        key: String,
        value: String,
    },
}

impl Environment {
    /// Applies `change` to every text, with the source's name, the key and the text.
    pub(crate) fn map_values(&mut self, mut change: impl FnMut(&str, &str, &str) -> ValueChange) {
        for source in &mut self.property_sources {
            let mut is_renamed = false;
            for property in &mut source.source {
                let Scalar::Text(text) = &property.value else { continue };
                match change(&source.name, &property.key, text) {
                    ValueChange::Keep => {}
                    ValueChange::Text(text) => property.value = Scalar::Text(text),
                    ValueChange::Replace { key, value } => {
                        property.value = Scalar::Text(value);
                        property.key = key;
                        is_renamed = true;
                    }
                }
            }
            if is_renamed {
                // A new key may be that of another property, of which the later one wins.
                let mut seen = HashSet::new();
                source.source.reverse();
                source.source.retain(|property| seen.insert(property.key.clone()));
                source.source.reverse();
            }
        }
    }

    /// Adds the strongest source, named `overrides`, unless `overrides` is empty. `\${` and `$\{` become `${`: that is
    /// how a placeholder for the client gets past the server's own configuration.
    pub(crate) fn add_overrides(&mut self, overrides: &BTreeMap<String, String>) {
        if overrides.is_empty() {
            return;
        }
        let unescape = |text: &str| text.replace("\\${", "${").replace("\\{", "{");
        let source = overrides
            .iter()
            .map(|(key, text)| Property { key: key.clone(), value: Scalar::Text(unescape(text)), at: None })
            .collect();
        self.property_sources.insert(0, PropertySource { name: "overrides".to_owned(), source });
    }

    /// Returns the value of `key` in the strongest source that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Scalar> {
        let mut all = self.property_sources.iter().flat_map(|source| &source.source);
        all.find(|property| property.key == key).map(|property| &property.value)
    }

    /// Merges all sources, sorted by key. The strongest source that has elements of a list (the keys with the same text
    /// before their first `[`) replaces the whole list. The key `spring.profiles` is omitted.
    pub(crate) fn merged(&self) -> BTreeMap<String, Scalar> {
        let mut plain = BTreeMap::new();
        let mut lists: HashMap<&str, Vec<(&str, &Scalar)>> = HashMap::new();
        for source in self.property_sources.iter().rev() {
            let mut own: HashMap<&str, Vec<(&str, &Scalar)>> = HashMap::new();
            for property in &source.source {
                match property.key.split_once('[') {
                    None => {
                        plain.insert(property.key.clone(), property.value.clone());
                    }
                    Some((list, _)) => own.entry(list).or_default().push((&property.key, &property.value)),
                }
            }
            lists.extend(own);
        }
        let elements = lists.into_values().flatten();
        plain.extend(elements.map(|(key, value)| (key.to_owned(), value.clone())));
        plain.remove("spring.profiles");
        plain
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
    fn a_value_can_be_replaced_and_renamed_in_its_source() {
        let mut environment = environment();
        environment.map_values(|source, key, text| {
            assert_eq!(source, "file:///repo/shop.yml");
            match text.strip_prefix("{cipher}") {
                Some(_) => ValueChange::Replace { key: format!("invalid.{key}"), value: "<n/a>".into() },
                None => ValueChange::Text(text.to_uppercase()),
            }
        });
        let properties = environment.property_sources[0].source.iter();
        let texts: Vec<_> = properties.map(|property| (&*property.key, property.value.to_string())).collect();
        assert_eq!(texts, [("user", "ANN".to_owned()), ("invalid.password", "<n/a>".to_owned())]);
    }

    #[test]
    fn a_renamed_property_replaces_one_of_the_same_name() {
        let mut environment = environment();
        environment.property_sources[0].source.insert(0, property("invalid.password", "old"));
        environment.map_values(|_, key, text| {
            if !text.starts_with("{cipher}") {
                return ValueChange::Keep;
            }
            ValueChange::Replace { key: format!("invalid.{key}"), value: "<n/a>".into() }
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
