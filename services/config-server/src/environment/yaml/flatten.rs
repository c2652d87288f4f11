//! Flattens a tree to dotted keys.

use std::fmt::Write;

use super::{
    MAX_BYTES, MAX_VALUES, TOO_LARGE,
    build::{Content, Node},
};
use crate::environment::{
    document::{Document, DocumentBuilder, ParseError},
    property_sources::Property,
    scalar::Scalar,
};

/// Returns the properties of a document; `None` if it is empty. A root that is not a map becomes the value of
/// `document`.
pub(super) fn flatten(root: Option<Node>, usage: &mut Usage) -> Result<Option<Document>, ParseError> {
    let Some(root) = root else { return Ok(None) };
    let mut path = match &*root.value {
        Content::Scalar(Scalar::Null) => return Ok(None),
        Content::Map(_) => String::new(),
        Content::Scalar(_) | Content::List(_) => "document".to_owned(),
    };
    let mut flattener = Flattener { properties: DocumentBuilder::default(), usage };
    match &*root.value {
        Content::Map(entries) if entries.is_empty() => {}
        _ => flattener.add(&root, &mut path)?,
    }
    Ok(Some(flattener.properties.finish()))
}

/// Values and bytes of the documents of one file so far.
#[derive(Default)]
pub(super) struct Usage {
    values: usize,
    bytes: usize,
}

struct Flattener<'u> {
    properties: DocumentBuilder,
    usage: &'u mut Usage,
}

impl Flattener<'_> {
    /// Adds a node and those below it. The tree builder has bounded the recursion.
    fn add(&mut self, node: &Node, path: &mut String) -> Result<(), ParseError> {
        self.usage.values += 1;
        if self.usage.values > MAX_VALUES {
            return Err(ParseError::at(node.at.line, TOO_LARGE));
        }
        let length = path.len();
        match &*node.value {
            Content::Scalar(scalar) => return self.put(node, path, scalar),
            Content::List(items) if items.is_empty() => return self.put(node, path, &Scalar::Null),
            Content::Map(entries) if entries.is_empty() => return self.put(node, path, &Scalar::Null),
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    // Writing to a String does not fail.
                    _ = write!(path, "[{index}]");
                    self.add(item, path)?;
                    path.truncate(length);
                }
            }
            Content::Map(entries) => {
                for (key, value) in entries {
                    if !path.is_empty() && !key.starts_with('[') {
                        path.push('.');
                    }
                    path.push_str(key);
                    self.add(value, path)?;
                    path.truncate(length);
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, node: &Node, path: &str, scalar: &Scalar) -> Result<(), ParseError> {
        // In Spring's flat form, null and empty collections are empty texts.
        let value = match scalar {
            Scalar::Null => Scalar::Text(String::new()),
            other => other.clone(),
        };
        let text = if let Scalar::Text(text) = &value { text.len() } else { 0 };
        self.usage.bytes += path.len() + text;
        if self.usage.bytes > MAX_BYTES {
            return Err(ParseError::at(node.at.line, TOO_LARGE));
        }
        self.properties.put(Property { key: path.to_owned(), value, at: Some(node.at) });
        Ok(())
    }
}
