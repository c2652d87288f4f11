//! Parses YAML files and flattens them. Uses the events of a parser, because scalars have the meaning of YAML 1.1.

mod build;
mod flatten;
mod plain;
mod write;

use granit_parser::{Event, Parser, ScanError};

use super::document::{Document, ParseError};
use build::TreeBuilder;
use flatten::Usage;

pub(super) use write::write;

/// Limit on the nesting of collections.
const MAX_DEPTH: usize = 200;
/// Limit on the values of a file. Aliases count as what they stand for: a few lines of them can multiply without end.
const MAX_VALUES: usize = 200_000;
/// Limit on the length of all flat keys and values of a file, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

const TOO_LARGE: &str = "the file is too large once its aliases are followed";

/// Returns the documents of a file, flattened, without empty ones.
pub(super) fn parse(text: &str) -> Result<Vec<Document>, ParseError> {
    let mut options = granit_parser::options! {};
    options.set_emit_comments(false);
    let mut documents = Vec::new();
    let mut builder = TreeBuilder::default();
    let mut usage = Usage::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| parse_error(&error))?;
        if matches!(event, Event::DocumentEnd) {
            documents.extend(flatten::flatten(builder.finish(), &mut usage)?);
        } else {
            builder.take(event, &span)?;
        }
    }
    documents.retain(|document: &Document| !document.is_empty());
    Ok(documents)
}

fn parse_error(error: &ScanError) -> ParseError {
    ParseError::at(error.marker().line(), error.info())
}

#[cfg(test)]
mod tests;
