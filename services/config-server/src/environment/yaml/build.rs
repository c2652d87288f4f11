//! Builds a tree from the parser's events. Anchored nodes are shared, not copied.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use granit_parser::{Event, ScalarStyle, Span, Tag};

use super::{MAX_DEPTH, MAX_VALUES, TOO_LARGE, plain};
use crate::environment::{document::ParseError, property_sources::Position, scalar::Scalar};

#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Rc<Content>,
    pub(super) at: Position,
    /// Levels of collections in it; 0 for a scalar.
    depth: usize,
}

pub(super) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Builds one document after another.
#[derive(Default)]
pub(super) struct TreeBuilder {
    open: Vec<OpenCollection>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    merged: usize,
}

/// A collection whose end was not read yet.
struct OpenCollection {
    kind: CollectionKind,
    at: Position,
    anchor: usize,
    depth: usize,
}

enum CollectionKind {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, seen: HashSet<String>, key: Option<Key>, merges: Vec<Node> },
}

enum Key {
    Named(String),
    /// The key `<<`, whose value's entries belong to this map.
    Merge,
}

impl TreeBuilder {
    /// Returns the document that has ended; `None` if it is empty.
    pub(super) fn finish(&mut self) -> Option<Node> {
        self.open.clear();
        self.anchors.clear();
        self.root.take()
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), ParseError> {
        let at = Position { line: span.start.line(), column: span.start.col() + 1 };
        let failed = |cause: &str| ParseError::at(at.line, cause);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if is_plain && tag.is_none() && text == "<<" && self.take_merge_key() {
                    return Ok(());
                }
                let value = scalar(&text, is_plain, tag.as_deref()).map_err(failed)?;
                self.add(Node { value: Rc::new(Content::Scalar(value)), at, depth: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_collection(tag.as_deref()).map_err(failed)?;
                self.start(CollectionKind::List(Vec::new()), at, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_collection(tag.as_deref()).map_err(failed)?;
                let kind =
                    CollectionKind::Map { entries: Vec::new(), seen: HashSet::new(), key: None, merges: Vec::new() };
                self.start(kind, at, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                self.add(node.ok_or_else(|| failed("an alias must not refer to a collection that contains it"))?, 0)
            }
            _ => Ok(()),
        }
    }

    /// Takes `<<` as the merge key if a map is waiting for a key.
    fn take_merge_key(&mut self) -> bool {
        match self.open.last_mut() {
            Some(OpenCollection { kind: CollectionKind::Map { key: key @ None, .. }, .. }) => {
                *key = Some(Key::Merge);
                true
            }
            _ => false,
        }
    }

    fn start(&mut self, kind: CollectionKind, at: Position, anchor: usize) -> Result<(), ParseError> {
        if let Some(OpenCollection { kind: CollectionKind::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(ParseError::at(at.line, "a key must be a text or a number, not a list or a map"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::at(at.line, "the file is nested too deeply"));
        }
        self.open.push(OpenCollection { kind, at, anchor, depth: 0 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParseError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.kind {
            CollectionKind::List(items) => Content::List(items),
            CollectionKind::Map { mut entries, mut seen, merges, .. } => {
                for merge in &merges {
                    self.merge(merge, &mut entries, &mut seen)?;
                }
                Content::Map(entries)
            }
        };
        self.add(Node { value: Rc::new(value), at: open.at, depth: open.depth + 1 }, open.anchor)
    }

    /// Adds a complete node to its collection.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), ParseError> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let level = self.open.len();
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if level + node.depth > MAX_DEPTH {
            return Err(ParseError::at(node.at.line, "the file is nested too deeply"));
        }
        let line = node.at.line;
        open.depth = open.depth.max(node.depth);
        match &mut open.kind {
            CollectionKind::List(items) => items.push(node),
            CollectionKind::Map { entries, seen, key, merges } => match key.take() {
                Some(Key::Named(name)) => entries.push((name, node)),
                Some(Key::Merge) => merges.push(node),
                None => {
                    let name = key_name(&node)?;
                    // Spring refuses repeated keys: in a long file, the second is most likely a mistake.
                    if !seen.insert(name.clone()) {
                        return Err(ParseError::at(line, format!("the key {name:?} is repeated")));
                    }
                    *key = Some(Key::Named(name));
                }
            },
        }
        Ok(())
    }

    /// Adds the entries of `from`, a map or a list of maps, that `entries` lacks.
    fn merge(
        &mut self,
        from: &Node,
        entries: &mut Vec<(String, Node)>,
        seen: &mut HashSet<String>,
    ) -> Result<(), ParseError> {
        let not_a_map = || ParseError::at(from.at.line, "<< needs a map or a list of maps");
        let maps = match &*from.value {
            Content::Map(_) => std::slice::from_ref(from),
            Content::List(maps) => maps,
            Content::Scalar(_) => return Err(not_a_map()),
        };
        for map in maps {
            let Content::Map(more) = &*map.value else { return Err(not_a_map()) };
            self.merged += more.len() + 1;
            if self.merged > MAX_VALUES {
                return Err(ParseError::at(from.at.line, TOO_LARGE));
            }
            for (key, node) in more {
                if seen.insert(key.clone()) {
                    entries.push((key.clone(), node.clone()));
                }
            }
        }
        Ok(())
    }
}

/// Returns the flat spelling of a map's key: a text as it is, any other scalar in brackets.
fn key_name(node: &Node) -> Result<String, ParseError> {
    match &*node.value {
        Content::Scalar(Scalar::Text(text)) => Ok(text.clone()),
        Content::Scalar(Scalar::Null) => Err(ParseError::at(node.at.line, "a key may not be null: quote it")),
        Content::Scalar(other) => Ok(format!("[{other}]")),
        Content::List(_) | Content::Map(_) => {
            Err(ParseError::at(node.at.line, "a key must be a text or a number, not a list or a map"))
        }
    }
}

fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Scalar, &'static str> {
    let Some(tag) = tag else {
        return Ok(if is_plain { plain::resolve(text) } else { Scalar::Text(text.to_owned()) });
    };
    let value = match core_name(tag) {
        Some("str" | "timestamp" | "binary" | "merge") => Some(Scalar::Text(text.to_owned())),
        Some("null") => Some(Scalar::Null),
        Some("bool") => plain::bool(text).map(Scalar::Bool),
        Some("int") => plain::integer(text),
        Some("float") => match plain::resolve(text) {
            Scalar::Integer(_) => text.replace('_', "").parse().ok().map(Scalar::Float),
            Scalar::Float(float) => Some(Scalar::Float(float)),
            _ => None,
        },
        _ => return Err(UNKNOWN_TAG),
    };
    value.ok_or("a value does not fit its tag")
}

fn check_collection(tag: Option<&Tag>) -> Result<(), &'static str> {
    match tag.map(core_name) {
        None | Some(Some("map" | "seq" | "set" | "omap" | "pairs" | "str")) => Ok(()),
        Some(_) => Err(UNKNOWN_TAG),
    }
}

const UNKNOWN_TAG: &str = "a tag is unknown: only YAML's own such as !!str and !!int can be used";

/// Returns the name of one of YAML's own tags. The tag `!` alone means a text.
fn core_name(tag: &Tag) -> Option<&str> {
    match tag.parts() {
        ("tag:yaml.org,2002:" | "!!", name) => Some(name),
        ("", "!") | ("!", "") => Some("str"),
        (handle, name) => {
            format!("{handle}{name}").starts_with("tag:yaml.org,2002:").then(|| name.rsplit(':').next()).flatten()
        }
    }
}
