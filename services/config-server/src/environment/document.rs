//! A parsed document of a file, common to all file formats.

use std::collections::HashMap;

use super::property_sources::Property;

/// The properties of one document, each key once, in the file's order.
pub(super) type Document = Vec<Property>;

/// A reason why a file cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParseError {
    /// Line of the mistake, from 1; `None` when it concerns the whole file.
    pub line: Option<usize>,
    /// The mistake, without any value of the file.
    pub cause: String,
}

impl ParseError {
    pub fn at(line: usize, cause: impl Into<String>) -> Self {
        Self { line: Some(line), cause: cause.into() }
    }

    pub fn whole(cause: impl Into<String>) -> Self {
        Self { line: None, cause: cause.into() }
    }
}

/// Collects the properties of a document. A repeated key keeps its first position and takes the last value.
#[derive(Default)]
pub(super) struct DocumentBuilder {
    document: Document,
    positions: HashMap<String, usize>,
}

impl DocumentBuilder {
    pub fn put(&mut self, property: Property) {
        let position = *self.positions.entry(property.key.clone()).or_insert(self.document.len());
        match self.document.get_mut(position) {
            Some(earlier) => *earlier = property,
            None => self.document.push(property),
        }
    }

    pub fn finish(self) -> Document {
        self.document
    }
}
