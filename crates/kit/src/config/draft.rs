//! A layer under construction: flat keys and nested values become a tree with complete lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::key::{self, Step};

/// Tree of a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A scalar or a list, which later sources replace whole.
    Leaf(Value),
    /// A mapping, which is merged with those of other layers.
    Branch(BTreeMap<String, Node>),
}

/// A mistake in a layer.
#[derive(Debug, Clone)]
pub(super) struct Flaw {
    /// Section that reports the mistake.
    pub section: String,
    /// Path of the value that is missing because of it; a value in a stronger layer mends that. Empty: no value does.
    pub place: Vec<Step>,
    /// Text for the operator.
    pub text: String,
}

/// Builder of a layer's tree.
#[derive(Debug, Default)]
pub(super) struct Draft {
    root: Part,
    flaws: Vec<Flaw>,
}

#[derive(Debug, Default)]
enum Part {
    #[default]
    Nothing,
    Leaf(Value),
    Branch(BTreeMap<String, Part>),
    List(BTreeMap<usize, Part>),
}

impl Draft {
    /// Puts a value, nested or not, at a flat key.
    pub fn put(&mut self, flat: &str, value: Value) {
        self.put_below(&[], flat, value);
    }

    /// Records a mistake.
    pub fn flaw(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    /// Returns the tree and all mistakes.
    pub fn finish(self) -> (Node, Vec<Flaw>) {
        let mut flaws = self.flaws;
        let root = match self.root {
            root @ Part::Branch(_) => root.finish(&mut Vec::new(), &mut flaws),
            Part::Nothing | Part::Leaf(_) | Part::List(_) => None,
        };
        (root.unwrap_or_else(|| Node::Branch(BTreeMap::new())), flaws)
    }

    fn put_below(&mut self, above: &[Step], flat: &str, value: Value) {
        match key::parse(flat) {
            Ok(steps) => self.put_at(&[above, &steps].concat(), value),
            Err(wrong) => {
                let shown = if above.is_empty() { flat.to_owned() } else { format!("{}.{flat}", key::show(above)) };
                let section = above.first().map_or_else(|| key::section_of(flat), section_of);
                let short: String = shown.chars().take(100).collect();
                self.flaw(Flaw {
                    section,
                    place: Vec::new(),
                    text: format!("{short}: this key is malformed: {wrong}"),
                });
            }
        }
    }

    fn put_at(&mut self, steps: &[Step], value: Value) {
        if key::is_too_deep(steps) {
            let section = steps.first().map(section_of).unwrap_or_default();
            let text = format!("{section}: it is nested too deep");
            self.flaw(Flaw { section, place: Vec::new(), text });
            return;
        }
        match value {
            Value::Object(entries) if entries.is_empty() => self.root.put(steps, Part::Branch(BTreeMap::new())),
            Value::Object(entries) => {
                for (key, value) in entries {
                    self.put_below(steps, &key, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.into_iter().enumerate() {
                    self.put_at(&[steps, &[Step::Index(index)]].concat(), item);
                }
            }
            value => self.root.put(steps, Part::Leaf(value)),
        }
    }
}

fn section_of(step: &Step) -> String {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(_) => String::new(),
    }
}

impl Part {
    /// Inserts `part`. The deeper key wins, in any order: `a.b` replaces a scalar `a`.
    fn put(&mut self, steps: &[Step], part: Part) {
        match (steps.split_first(), &mut *self) {
            (None, Self::Nothing | Self::Leaf(_)) => *self = part,
            (Some((Step::Key(key), rest)), Self::Branch(entries)) => {
                entries.entry(key.clone()).or_default().put(rest, part);
            }
            (Some((Step::Key(key), rest)), _) => {
                let mut child = Self::Nothing;
                child.put(rest, part);
                *self = Self::Branch(BTreeMap::from([(key.clone(), child)]));
            }
            (Some((Step::Index(index), rest)), Self::List(items)) => items.entry(*index).or_default().put(rest, part),
            (Some((Step::Index(index), rest)), Self::Nothing | Self::Leaf(_)) => {
                let mut child = Self::Nothing;
                child.put(rest, part);
                *self = Self::List(BTreeMap::from([(*index, child)]));
            }
            // A mapping wins over a list too.
            (None, Self::Branch(_) | Self::List(_)) | (Some((Step::Index(_), _)), Self::Branch(_)) => {}
        }
    }

    fn finish(self, above: &mut Vec<Step>, flaws: &mut Vec<Flaw>) -> Option<Node> {
        Some(match self {
            Self::Nothing => return None,
            Self::Leaf(value) => Node::Leaf(value),
            Self::List(_) => Node::Leaf(self.into_value(above, flaws)?),
            Self::Branch(entries) => {
                let mut branch = BTreeMap::new();
                for (key, part) in entries {
                    above.push(Step::Key(key.clone()));
                    let node = part.finish(above, flaws);
                    above.pop();
                    branch.extend(node.map(|node| (key, node)));
                }
                Node::Branch(branch)
            }
        })
    }

    /// Converts to a value. A list with a gap is a mistake, since its missing item is unknown.
    fn into_value(self, above: &mut Vec<Step>, flaws: &mut Vec<Flaw>) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::Leaf(value) => Some(value),
            Self::Branch(entries) => {
                let mut object = Map::new();
                for (key, part) in entries {
                    above.push(Step::Key(key.clone()));
                    let value = part.into_value(above, flaws);
                    above.pop();
                    object.extend(value.map(|value| (key, value)));
                }
                Some(Value::Object(object))
            }
            Self::List(items) => {
                if let Some(missing) = items.keys().enumerate().find_map(|(nth, index)| (nth != *index).then_some(nth))
                {
                    let text = format!("{}: there are later items, but no [{missing}]", key::show(above));
                    let section = above.first().map(section_of).unwrap_or_default();
                    flaws.push(Flaw { section, place: above.clone(), text });
                    return None;
                }
                let mut list = Vec::new();
                for (index, part) in items {
                    above.push(Step::Index(index));
                    let value = part.into_value(above, flaws);
                    above.pop();
                    list.extend(value);
                }
                Some(Value::Array(list))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(flat: &[(&str, Value)]) -> (Value, Vec<String>) {
        let mut draft = Draft::default();
        for (key, value) in flat {
            draft.put(key, value.clone());
        }
        let (node, flaws) = draft.finish();
        (value(node), flaws.into_iter().map(|flaw| format!("{} | {}", flaw.section, flaw.text)).collect())
    }

    fn value(node: Node) -> Value {
        match node {
            Node::Leaf(value) => value,
            Node::Branch(entries) => entries.into_iter().map(|(key, node)| (key, value(node))).collect(),
        }
    }

    #[test]
    fn flat_keys_and_nested_values_are_one() {
        let (tree, flaws) = tree(&[
            ("gateway.routes[1].id", json!("b")),
            ("gateway.routes[0].metadata.responseTimeout", json!(5)),
            ("gateway.routes[0].predicates[0]", json!("Path=/a")),
            ("order", json!({"storeUrl": "x", "pay.within-seconds": 5, "list": [1, [2]], "none": [], "empty": {}})),
            ("a.[B.c]", json!(true)),
        ]);
        assert_eq!(
            tree,
            json!({
                "gateway": {"routes": [{"metadata": {"response_timeout": 5}, "predicates": ["Path=/a"]}, {"id": "b"}]},
                "order": {"store_url": "x", "pay": {"within_seconds": 5}, "list": [1, [2]], "none": [], "empty": {}},
                "a": {"B.c": true},
            })
        );
        assert!(flaws.is_empty(), "{flaws:?}");
    }

    #[test]
    fn what_is_deeper_wins_in_any_order() {
        for flat in [[("a", json!(1)), ("a.b", json!(2))], [("a.b", json!(2)), ("a", json!(1))]] {
            assert_eq!(tree(&flat).0, json!({"a": {"b": 2}}));
        }
        for flat in [[("a", json!("")), ("a[0]", json!(2))], [("a[0]", json!(2)), ("a", json!(""))]] {
            assert_eq!(tree(&flat).0, json!({"a": [2]}));
        }
    }

    #[test]
    fn malformed_keys_and_gaps_are_mistakes_of_their_section() {
        let (tree, flaws) = tree(&[
            ("order.a[", json!(1)),
            ("order.list[1]", json!(1)),
            ("order.other[4000000000]", json!(1)),
            ("order.fine", json!(1)),
            ("[0].x", json!(1)),
        ]);
        assert_eq!(tree, json!({"order": {"fine": 1}}));
        assert_eq!(flaws.len(), 3, "{flaws:?}");
        assert!(flaws.iter().all(|flaw| flaw.starts_with("order | order.")), "{flaws:?}");
    }
}
