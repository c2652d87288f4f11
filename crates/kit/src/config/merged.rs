//! All layers merged into one tree, whose values know their layer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Layer,
    draft::{Flaw, Node},
    key::Step,
};

/// A value and the number of its layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'s> {
    pub value: &'s Value,
    pub layer: usize,
}

/// Tree merged from all layers.
#[derive(Debug)]
pub(super) enum Merged<'s> {
    Leaf(Found<'s>),
    Branch(BTreeMap<&'s str, Merged<'s>>),
}

impl<'s> Merged<'s> {
    /// Merges `layers`. Later ones win: mappings are merged, lists and scalars replaced.
    pub fn of(layers: &'s [Layer]) -> Self {
        let mut root = Self::Branch(BTreeMap::new());
        for (number, layer) in layers.iter().enumerate() {
            root.merge(&layer.tree, number);
        }
        root
    }

    fn merge(&mut self, node: &'s Node, layer: usize) {
        match (node, &mut *self) {
            (Node::Branch(new), Self::Branch(old)) => {
                for (key, node) in new {
                    old.entry(key).or_insert_with(|| Self::Branch(BTreeMap::new())).merge(node, layer);
                }
            }
            (Node::Branch(_), Self::Leaf(_)) => {
                *self = Self::Branch(BTreeMap::new());
                self.merge(node, layer);
            }
            // `order:` with nothing below it, which config servers send as an empty text.
            (Node::Leaf(value), Self::Branch(old)) if is_empty(value) && !old.is_empty() => {}
            (Node::Leaf(value), _) => *self = Self::Leaf(Found { value, layer }),
        }
    }

    /// Returns the value at a path, which may lead into lists; `None` for a mapping of the tree.
    pub fn find(&self, steps: &[Step]) -> Option<Found<'s>> {
        match (self, steps.split_first()) {
            (Self::Leaf(found), _) => steps
                .iter()
                .try_fold(found.value, |value, step| match step {
                    Step::Key(key) => value.get(key),
                    Step::Index(index) => value.get(index),
                })
                .map(|value| Found { value, layer: found.layer }),
            (Self::Branch(entries), Some((Step::Key(key), rest))) => entries.get(key.as_str())?.find(rest),
            (Self::Branch(_), _) => None,
        }
    }

    /// Returns the subtree below a key of the root.
    pub fn below(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Branch(entries) => entries.get(key),
            Self::Leaf(_) => None,
        }
    }

    /// True unless a stronger layer than `layer` has the value that is missing because of `flaw`.
    pub fn is_harmed(&self, flaw: &Flaw, layer: usize) -> bool {
        flaw.place.is_empty() || self.find(&flaw.place).is_none_or(|found| found.layer <= layer)
    }

    /// Returns every value with its path, lists item by item.
    pub fn leaves(&self) -> Vec<(Vec<Step>, Found<'s>)> {
        let mut leaves = Vec::new();
        self.collect(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect(&self, above: &mut Vec<Step>, leaves: &mut Vec<(Vec<Step>, Found<'s>)>) {
        match self {
            Self::Leaf(found) => collect_items(found.value, found.layer, above, leaves),
            Self::Branch(entries) => {
                for (key, node) in entries {
                    above.push(Step::Key((*key).to_owned()));
                    node.collect(above, leaves);
                    above.pop();
                }
            }
        }
    }
}

fn collect_items<'s>(value: &'s Value, layer: usize, above: &mut Vec<Step>, leaves: &mut Vec<(Vec<Step>, Found<'s>)>) {
    let mut below = |step: Step, value: &'s Value| {
        above.push(step);
        collect_items(value, layer, above, leaves);
        above.pop();
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| below(Step::Index(index), item));
        }
        Value::Object(entries) if !entries.is_empty() => {
            entries.iter().for_each(|(key, value)| below(Step::Key(key.clone()), value));
        }
        value => leaves.push((above.clone(), Found { value, layer })),
    }
}

/// True for null and the empty text.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Formats a scalar as text, a list of scalars as comma-separated text; `None` for mappings.
pub(super) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items
            .iter()
            .map(|item| if item.is_array() { None } else { plain_text(item) })
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.join(",")),
        Value::Object(_) => None,
    }
}
