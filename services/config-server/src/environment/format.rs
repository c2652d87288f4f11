//! A merged environment written as `.properties`, YAML or JSON.

mod tree;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Environment, EnvironmentError, Placeholders, Scalar, yaml};
pub(super) use tree::Tree;

/// Whether placeholders are replaced by the environment's own values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// They are.
    Yes,
    /// They stay.
    No,
}

/// Lines `key: value`, sorted, without a line end after the last.
#[must_use]
pub fn properties(environment: &Environment, resolve: Resolve) -> String {
    let mut placeholders = Placeholders::of(environment);
    let lines = environment.merged().into_iter().map(|(key, value)| {
        let value = match (value, resolve) {
            (Scalar::Text(text), Resolve::Yes) => placeholders.resolve(&text),
            (value, _) => value.to_string(),
        };
        format!("{key}: {value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Block style, a tree. An environment that is nothing but the value of `document` is written as that value.
///
/// Errors: [`EnvironmentError::MalformedKey`].
pub fn yaml(environment: &Environment, resolve: Resolve) -> Result<String, EnvironmentError> {
    let tree = tree(environment, resolve, |placeholders, text| match placeholders.typed(&text) {
        // `port: ${base.port}` reads back as the number that it stands for.
        Some(value) => value.clone(),
        None => Scalar::Text(placeholders.resolve(&text)),
    })?;
    Ok(yaml::write(tree.document().unwrap_or(&tree)))
}

/// A tree with lists as arrays; a list's missing elements are null.
///
/// Errors: [`EnvironmentError::MalformedKey`].
pub fn json(environment: &Environment, resolve: Resolve) -> Result<Value, EnvironmentError> {
    let tree = tree(environment, resolve, |placeholders, text| Scalar::Text(placeholders.resolve(&text)))?;
    Ok(tree.to_json())
}

fn tree(
    environment: &Environment,
    resolve: Resolve,
    resolved: impl Fn(&mut Placeholders<'_>, String) -> Scalar,
) -> Result<Tree, EnvironmentError> {
    let mut placeholders = Placeholders::of(environment);
    let values = environment.merged().into_iter().map(|(key, value)| match (value, resolve) {
        (Scalar::Text(text), Resolve::Yes) => (key, resolved(&mut placeholders, text)),
        (value, _) => (key, value),
    });
    Tree::of(values)
}

/// See [`Environment::merged`].
pub(super) fn merged(environment: &Environment) -> BTreeMap<String, Scalar> {
    let mut plain = BTreeMap::new();
    let mut lists: HashMap<&str, Vec<(&str, &Scalar)>> = HashMap::new();
    for source in environment.property_sources.iter().rev() {
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

#[cfg(test)]
mod tests;
