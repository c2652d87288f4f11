//! The kinds of files, and the documents that are in one.

use super::{Property, decode, properties, xml, yaml};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Yaml,
    Yml,
    Xml,
    Properties,
}

impl Kind {
    /// Of files with the same stem, the later is the stronger.
    pub(super) const WEAKEST_FIRST: [Self; 4] = [Self::Yaml, Self::Yml, Self::Xml, Self::Properties];

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Yml => "yml",
            Self::Xml => "xml",
            Self::Properties => "properties",
        }
    }
}

/// A file's properties, each key once, in the file's order.
pub(super) type Document = Vec<Property>;

/// Why a file cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// From 1.
    pub(super) line: Option<usize>,
    /// Holds no value of the file.
    pub(super) cause: String,
}

impl Broken {
    pub(super) fn at(line: usize, cause: impl Into<String>) -> Self {
        Self { line: Some(line), cause: cause.into() }
    }

    pub(super) fn whole(cause: impl Into<String>) -> Self {
        Self { line: None, cause: cause.into() }
    }
}

/// The documents of a file, in its order, without empty ones.
pub(super) fn parse(kind: Kind, bytes: &[u8]) -> Result<Vec<Document>, Broken> {
    match kind {
        Kind::Properties => properties::parse(&decode::unicode_or_latin1(bytes)),
        Kind::Xml => xml::parse(&decode::unicode_or_latin1(bytes)).map(|document| vec![document]),
        Kind::Yaml | Kind::Yml => {
            let text =
                decode::unicode(bytes).ok_or_else(|| Broken::whole("the file is not UTF-8: save it as UTF-8"))?;
            yaml::parse(&text)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for kind in Kind::WEAKEST_FIRST {
                let _ = parse(kind, &bytes);
            }
        }

        #[test]
        fn no_text_of_the_formats_own_signs_makes_a_reader_panic(
            text in "([ \t\n:=#!<>&*?|'\"\\[\\]{},\\-.$%@~ua0-9]|<entry key=\"|</entry>|<properties>|#---\n|\n---\n|\\\\u){0,120}"
        ) {
            for kind in Kind::WEAKEST_FIRST {
                let _ = parse(kind, text.as_bytes());
            }
        }
    }
}
