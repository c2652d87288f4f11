//! The file formats of configuration, and their order of precedence.

use super::{
    decode,
    document::{Document, ParseError},
    properties, xml, yaml,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    Yaml,
    Yml,
    Xml,
    Properties,
}

impl FileFormat {
    /// All formats. Of files with the same stem, the one of the later format wins.
    pub const WEAKEST_FIRST: [Self; 4] = [Self::Yaml, Self::Yml, Self::Xml, Self::Properties];

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Yml => "yml",
            Self::Xml => "xml",
            Self::Properties => "properties",
        }
    }

    /// Parses a file and returns its documents in order, without empty ones.
    pub fn parse(self, bytes: &[u8]) -> Result<Vec<Document>, ParseError> {
        match self {
            Self::Properties => properties::parse(&decode::unicode_or_latin1(bytes)),
            Self::Xml => xml::parse(&decode::unicode_or_latin1(bytes)).map(|document| vec![document]),
            Self::Yaml | Self::Yml => {
                let text = decode::unicode(bytes)
                    .ok_or_else(|| ParseError::whole("the file is not UTF-8: save it as UTF-8"))?;
                yaml::parse(&text)
            }
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
            for format in FileFormat::WEAKEST_FIRST {
                let _ = format.parse(&bytes);
            }
        }

        #[test]
        fn no_text_of_the_formats_own_signs_makes_a_reader_panic(
            text in "([ \t\n:=#!<>&*?|'\"\\[\\]{},\\-.$%@~ua0-9]|<entry key=\"|</entry>|<properties>|#---\n|\n---\n|\\\\u){0,120}"
        ) {
            for format in FileFormat::WEAKEST_FIRST {
                let _ = format.parse(text.as_bytes());
            }
        }
    }
}
