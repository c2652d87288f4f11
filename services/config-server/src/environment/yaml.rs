//! YAML files: parsed by events, so that scalars can be read as YAML 1.1 has them, and flattened.

mod build;
mod flatten;
mod plain;
mod write;

use granit_parser::{Event, Parser, ScanError};

use super::document::{Broken, Document};
use build::Builder;
use flatten::Spent;

pub(super) use write::write;

/// Collections nested deeper than this are refused; anchors count as what they stand for.
const DEEPEST: usize = 200;
/// A file with more values than this, aliases and merges included, is refused.
const MOST_VALUES: usize = 200_000;
/// A file whose flat keys and values together are longer than this is refused.
const MOST_BYTES: usize = 64 * 1024 * 1024;

const TOO_LARGE: &str = "the file is too large once its aliases are followed";

/// The documents of a file, flattened, without empty ones.
pub(super) fn parse(text: &str) -> Result<Vec<Document>, Broken> {
    let mut options = granit_parser::options! {};
    options.set_emit_comments(false);
    let mut documents = Vec::new();
    let (mut builder, mut spent) = (Builder::default(), Spent::default());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| broken(&error))?;
        if matches!(event, Event::DocumentEnd) {
            documents.extend(flatten::flatten(builder.finish(), &mut spent)?);
        } else {
            builder.take(event, &span)?;
        }
    }
    documents.retain(|document: &Document| !document.is_empty());
    Ok(documents)
}

fn broken(error: &ScanError) -> Broken {
    Broken::at(error.marker().line(), error.info())
}

#[cfg(test)]
mod tests;
