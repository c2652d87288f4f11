//! Writes a merged environment as `.properties`, YAML or JSON.

pub(super) mod tree;

use serde_json::Value;

use super::{error::EnvironmentError, placeholders::Placeholders, property_sources::Environment, scalar::Scalar, yaml};
use tree::Tree;

/// The treatment of placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolve {
    /// Replaces them by the environment's own values.
    Yes,
    /// Writes them unchanged.
    No,
}

/// Writes lines `key: value`, sorted, without a line end after the last.
pub(crate) fn properties(environment: &Environment, resolve: Resolve) -> String {
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

/// Writes a tree in block style. An environment with the single key `document`, which comes from a file whose top level
/// is a list or a text, is written as that value.
///
/// Errors: [`EnvironmentError::MalformedKey`].
pub(crate) fn yaml(environment: &Environment, resolve: Resolve) -> Result<String, EnvironmentError> {
    let tree = tree(environment, resolve, |placeholders, text| match placeholders.typed(&text) {
        // Spring resolves placeholders in the written YAML, where `port: ${base.port}` becomes a number if the port is one.
        Some(value) => value.clone(),
        None => Scalar::Text(placeholders.resolve(&text)),
    })?;
    yaml::write(tree.document().unwrap_or(&tree)).map_err(|error| EnvironmentError::Unwritable(error.to_string()))
}

/// Returns a tree with lists as arrays, whose missing elements are null.
///
/// Errors: [`EnvironmentError::MalformedKey`].
pub(crate) fn json(environment: &Environment, resolve: Resolve) -> Result<Value, EnvironmentError> {
    // Spring resolves placeholders in the written JSON, where a value stays in its quotes and so a text.
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

#[cfg(test)]
mod tests;
