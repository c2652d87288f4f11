//! From a tree to flat keys.

use std::fmt::Write;

use super::{
    super::{
        Property, Scalar,
        document::{Broken, Document},
        properties::Builder,
    },
    MOST_BYTES, MOST_VALUES, TOO_LARGE,
    build::{Content, Node},
};

/// The properties of a document; none if it is empty. A document that is no map is the value of `document`.
pub(super) fn flatten(root: Option<Node>, spent: &mut Spent) -> Result<Option<Document>, Broken> {
    let Some(root) = root else { return Ok(None) };
    let mut path = match &*root.value {
        Content::Scalar(Scalar::Null) => return Ok(None),
        Content::Map(_) => String::new(),
        Content::Scalar(_) | Content::List(_) => "document".to_owned(),
    };
    let mut flat = Flat { properties: Builder::default(), spent };
    match &*root.value {
        Content::Map(entries) if entries.is_empty() => {}
        _ => flat.add(&root, &mut path)?,
    }
    Ok(Some(flat.properties.document))
}

/// What the documents of one file have come to.
#[derive(Default)]
pub(super) struct Spent {
    values: usize,
    bytes: usize,
}

struct Flat<'s> {
    properties: Builder,
    spent: &'s mut Spent,
}

impl Flat<'_> {
    /// The depth is bounded by the builder.
    fn add(&mut self, node: &Node, path: &mut String) -> Result<(), Broken> {
        self.spent.values += 1;
        if self.spent.values > MOST_VALUES {
            return Err(Broken::at(node.at.line, TOO_LARGE));
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

    fn put(&mut self, node: &Node, path: &str, scalar: &Scalar) -> Result<(), Broken> {
        let value = match scalar {
            Scalar::Null => Scalar::Text(String::new()),
            other => other.clone(),
        };
        let text = if let Scalar::Text(text) = &value { text.len() } else { 0 };
        self.spent.bytes += path.len() + text;
        if self.spent.bytes > MOST_BYTES {
            return Err(Broken::at(node.at.line, TOO_LARGE));
        }
        self.properties.put(Property { key: path.to_owned(), value, at: Some(node.at) });
        Ok(())
    }
}
