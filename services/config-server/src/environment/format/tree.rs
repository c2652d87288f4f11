//! Builds a tree from flat keys.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::environment::{error::EnvironmentError, scalar::Scalar};

/// Limit on the index of a list element.
const MAX_INDEX: usize = 65_535;
/// Limit on the missing elements of all lists of a tree.
const MAX_MISSING: usize = 200_000;
/// Limit on the parts of a key.
const MAX_DEPTH: usize = 256;

/// A value that contains others.
#[derive(Debug, PartialEq, Default, Serialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    /// A list element without a key.
    #[default]
    Missing,
    Leaf(Scalar),
    Map(BTreeMap<String, Self>),
    List(Vec<Self>),
}

#[derive(Debug, PartialEq)]
enum Step<'k> {
    /// Key of a map, and its offset in the whole key.
    Name(&'k str, usize),
    Index(usize),
}

impl Tree {
    /// Builds the tree of flat values. Where a value has the key of a map, the deeper value keeps the rest of its key:
    /// `x` and `x.y` stand side by side.
    ///
    /// Errors: [`EnvironmentError::MalformedKey`].
    pub fn of(values: impl Iterator<Item = (String, Scalar)>) -> Result<Self, EnvironmentError> {
        let mut root = BTreeMap::new();
        let mut missing = 0;
        for (key, value) in values {
            let steps = steps(&key).ok_or_else(|| EnvironmentError::MalformedKey(key.clone()))?;
            put(&mut root, &key, &steps, value, &mut missing);
            if missing > MAX_MISSING {
                return Err(EnvironmentError::MalformedKey(key));
            }
        }
        Ok(Self::Map(root))
    }

    pub fn document(&self) -> Option<&Self> {
        match self {
            Self::Map(map) if map.len() == 1 => map.get("document"),
            _ => None,
        }
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Leaf(scalar) => scalar.to_json(),
            Self::Map(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()),
            Self::List(list) => Value::Array(list.iter().map(Self::to_json).collect()),
        }
    }

    /// Puts `value` at `steps` below this node, or returns it when another value is in the way.
    fn put(&mut self, key: &str, steps: &[Step<'_>], value: Scalar, missing: &mut usize) -> Option<Scalar> {
        if matches!(self, Self::Missing) {
            *self = match steps.first() {
                None => {
                    *self = Self::Leaf(value);
                    return None;
                }
                Some(Step::Name(..)) => Self::Map(BTreeMap::new()),
                Some(Step::Index(_)) => Self::List(Vec::new()),
            };
        }
        match (self, steps) {
            (Self::Map(map), [Step::Name(..), ..]) => {
                put(map, key, steps, value, missing);
                None
            }
            (Self::List(list), [Step::Index(index), below @ ..]) => {
                if *index >= list.len() {
                    *missing += index - list.len();
                    // Beyond the limit the whole tree is refused, so the memory need not be allocated.
                    if *missing > MAX_MISSING {
                        return None;
                    }
                    list.resize_with(index + 1, Self::default);
                }
                list.get_mut(*index)?.put(key, below, value, missing)
            }
            _ => Some(value),
        }
    }
}

fn put(map: &mut BTreeMap<String, Tree>, key: &str, steps: &[Step<'_>], value: Scalar, missing: &mut usize) {
    let [Step::Name(name, start), below @ ..] = steps else { return };
    let slot = map.entry((*name).to_owned()).or_default();
    if let Some(value) = slot.put(key, below, value, missing) {
        let rest = key.get(*start..).unwrap_or(key);
        map.insert(rest.to_owned(), Tree::Leaf(value));
    }
}

/// Splits a key into its steps; `None` if it is malformed. Brackets around anything but a number belong to the name.
fn steps(key: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut start = 0;
    loop {
        let (end, next) = name_end(key, start)?;
        steps.push(Step::Name(key.get(start..end)?, start));
        let mut at = end;
        if next == Some('[') {
            while let Some(rest) = key.get(at..)?.strip_prefix('[') {
                let (digits, _) = rest.split_once(']')?;
                let index = digits.parse().ok().filter(|index| *index <= MAX_INDEX)?;
                steps.push(Step::Index(index));
                at += digits.len() + 2;
            }
        }
        if steps.len() > MAX_DEPTH {
            return None;
        }
        match key.get(at..)?.chars().next() {
            None => return Some(steps),
            Some('.') => start = at + 1,
            Some(_) => return None,
        }
    }
}

/// Returns the end of the name that begins at `start`, and the sign there: `.`, the `[` of an index, or nothing.
fn name_end(key: &str, start: usize) -> Option<(usize, Option<char>)> {
    let mut at = start;
    loop {
        let rest = key.get(at..)?;
        let Some(found) = rest.find(['.', '[']) else { return Some((key.len(), None)) };
        at += found;
        if rest.get(found..)?.starts_with('.') {
            return Some((at, Some('.')));
        }
        let (content, _) = rest.get(found + 1..)?.split_once(']')?;
        let is_index = !content.is_empty() && content.bytes().all(|byte| byte.is_ascii_digit());
        if content.is_empty() {
            return None;
        }
        if is_index && at > start {
            return Some((at, Some('[')));
        }
        at += content.len() + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn tree(values: &[(&str, &str)]) -> Result<Value, EnvironmentError> {
        let values = values.iter().map(|(key, text)| ((*key).to_owned(), Scalar::Text((*text).to_owned())));
        Tree::of(values).map(|tree| tree.to_json())
    }

    #[test]
    fn keys_become_a_tree() {
        for (values, expected) in [
            (&[][..], json!({})),
            (&[("a", "1")], json!({"a": "1"})),
            (&[("a.b", "1"), ("a.c", "2")], json!({"a": {"b": "1", "c": "2"}})),
            (&[("a[0]", "1"), ("a[1].b", "2"), ("a[2][0]", "3")], json!({"a": ["1", {"b": "2"}, ["3"]]})),
            (&[("a[2]", "1")], json!({"a": [null, null, "1"]})),
            (&[("a[1]", "1"), ("a[0]", "0")], json!({"a": ["0", "1"]})),
            (&[("a[x/y]", "1"), ("a[b.c].d", "2")], json!({"a[x/y]": "1", "a[b.c]": {"d": "2"}})),
            (&[("a[x][0]", "1")], json!({"a[x]": ["1"]})),
            (&[("[8080]", "1")], json!({"[8080]": "1"})),
            (
                &[("org.x", "1"), ("org.x.y", "2"), ("org.x.y.z", "3")],
                json!({"org": {"x": "1", "x.y": "2", "x.y.z": "3"}}),
            ),
            (&[("a", "1"), ("a[0]", "2")], json!({"a": "1", "a[0]": "2"})),
            (&[("a.b", "1"), ("a[0]", "2")], json!({"a": {"b": "1"}, "a[0]": "2"})),
            (&[("a[0]", "1"), ("a[0].b", "2"), ("a[00]", "3")], json!({"a": ["1"], "a[0].b": "2", "a[00]": "3"})),
            (&[("a..b", "1"), ("c.", "2")], json!({"a": {"": {"b": "1"}}, "c": {"": "2"}})),
        ] {
            assert_eq!(tree(values).unwrap(), expected);
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        let deep = "a.".repeat(100_000);
        let long = format!("a{}", "[0]".repeat(100_000));
        for key in
            ["a[", "a[0", "a[]", "a[x", "a[0]b", "a[0]]", "a[4000000000]", "a[99999999999999999999]", &deep, &long]
        {
            let error = tree(&[(key, "1")]).unwrap_err();
            assert_eq!(error, EnvironmentError::MalformedKey(key.to_owned()));
        }
    }

    #[test]
    fn many_large_indices_are_refused() {
        let keys: Vec<_> = (0..10_000).map(|list| format!("a{list}[65535]")).collect();
        let values: Vec<_> = keys.iter().map(|key| (key.as_str(), "1")).collect();
        assert!(matches!(tree(&values), Err(EnvironmentError::MalformedKey(_))));
    }

    proptest! {
        #[test]
        fn no_key_makes_the_parser_panic(keys in proptest::collection::btree_set("[a.\\[\\]0\u{e9}]{0,12}", 0..8)) {
            let values: Vec<_> = keys.iter().map(|key| (key.as_str(), "1")).collect();
            let _ = tree(&values);
        }
    }
}
