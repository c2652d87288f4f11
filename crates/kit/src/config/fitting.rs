//! Deserializes a section and finds every value that does not fit the target type.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::{
    key::{self, Step},
    masking::{looks_secret, without_passwords},
    merged::is_empty,
};

/// A value that does not fit.
pub(super) struct Misfit {
    /// Path in the section.
    pub path: Vec<Step>,
    /// Reason, as a sentence.
    pub cause: String,
}

/// Deserializes `tree` as `T` without the values that do not fit, which are returned as misfits; `None` when the rest does
/// not suffice. Values at the paths of `secret` are not shown.
pub(super) fn fit<T: DeserializeOwned>(mut tree: Value, secret: &[Vec<Step>]) -> (Option<T>, Vec<Misfit>) {
    let mut misfits = Vec::new();
    // The deserializer stops at its first error: each round mends or removes that value, so that all are found.
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&tree) {
            Ok(value) => return (Some(value), misfits),
            Err(error) => error,
        };
        let path = path_of(&error);
        let cause = error.inner().to_string();
        if mend(&mut tree, &path, &cause) {
            continue;
        }
        let cause = describe(&mut tree, &path, cause, secret);
        let is_removed = remove(&mut tree, &path);
        misfits.push(Misfit { path, cause });
        if !is_removed {
            return (None, misfits);
        }
    }
}

fn path_of(error: &serde_path_to_error::Error<serde_json::Error>) -> Vec<Step> {
    error
        .path()
        .iter()
        .map_while(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Describes a misfit without any part of a secret value.
fn describe(tree: &mut Value, path: &[Step], cause: String, secret: &[Vec<Step>]) -> String {
    let Some(value) = find(tree, path) else { return cause };
    let is_scalar = !value.is_object() && !value.is_array();
    if is_scalar && cause.contains("expected a string") {
        return "a text is expected: write the value in quotes".to_owned();
    }
    let has_password = value.as_str().is_some_and(|text| without_passwords(text) != text);
    let is_secret = looks_secret(&key::show(path)) || has_password || secret.iter().any(|one| one.starts_with(path));
    // An unknown key's value is not in the cause.
    if is_secret && !cause.starts_with("unknown field") && !cause.starts_with("missing field") {
        return "its value does not fit; it is not shown, as it may be secret".to_owned();
    }
    cause
}

/// Converts a text where the type expects a number, a boolean or a list, since environment variables and `.properties`
/// are texts. An empty text counts as an empty list or mapping. Returns false when nothing was converted.
fn mend(tree: &mut Value, path: &[Step], cause: &str) -> bool {
    let Some(value) = find(tree, path) else { return false };
    let expects_list = cause.contains("expected a sequence");
    if expects_list && (value.is_number() || value.is_boolean()) {
        *value = Value::Array(vec![value.take()]);
        return true;
    }
    if expects_list && value.is_null() {
        *value = Value::Array(Vec::new());
        return true;
    }
    if is_empty(value) && (cause.contains("expected a map") || cause.contains("expected struct")) {
        *value = Value::Object(Map::new());
        return true;
    }
    let Some(text) = value.as_str() else { return false };
    match serde_json::from_str::<Value>(text) {
        Ok(read @ Value::Array(_)) => *value = read,
        Ok(read @ (Value::Number(_) | Value::Bool(_))) if !expects_list => *value = read,
        _ if expects_list || text.contains(',') => *value = parts(text),
        _ => return false,
    }
    true
}

fn parts(text: &str) -> Value {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Value::String(part.to_owned())).collect()
}

fn find<'t>(tree: &'t mut Value, path: &[Step]) -> Option<&'t mut Value> {
    path.iter().try_fold(tree, |node, step| match step {
        Step::Key(key) => node.as_object_mut()?.get_mut(key),
        Step::Index(index) => node.as_array_mut()?.get_mut(*index),
    })
}

/// Removes the value at `path`; an item's whole list, so that reported indexes of other items stay right.
fn remove(tree: &mut Value, path: &[Step]) -> bool {
    let mut path = path;
    loop {
        match path.split_last() {
            None => return false,
            Some((Step::Index(_), list)) => path = list,
            Some((Step::Key(key), parent)) => {
                let parent = find(tree, parent).and_then(Value::as_object_mut);
                return parent.is_some_and(|parent| parent.remove(key).is_some());
            }
        }
    }
}
