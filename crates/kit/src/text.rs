//! The one rule for every text from outside: no control or invisible characters, NFC, and a length in characters that
//! every engine holds.

use std::fmt;

use garde::{Error, Path, Report, Validate};
use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// Format of [`Paragraphs`] in OpenAPI documents. A string without it is one line.
const MULTILINE: &str = "multiline";

/// Returns true for a character that no text may have: it ends a line, is invisible, or makes a text look like another.
///
/// PostgreSQL stores no NUL, a line end in a header of a mail begins the next header, and an override of the direction
/// displays `gpj.exe` as `exe.jpg`. Allowed are the invisible characters that languages and emoji need: ZWNJ, ZWJ and the
/// marks of direction, which affect only neutral characters beside them.
#[must_use]
pub const fn is_forbidden(letter: char) -> bool {
    matches!(letter,
        // C0, DEL and C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Soft hyphen, Mongolian vowel separator, zero width space.
        | '\u{ad}' | '\u{180e}' | '\u{200b}'
        // Separators of lines and paragraphs, embeddings and overrides of the direction.
        | '\u{2028}'..='\u{202e}'
        // Word joiner, invisible operators, isolates, deprecated format characters.
        | '\u{2060}'..='\u{206f}'
        // Byte order mark, interlinear annotations.
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Tags, which hide a whole ASCII text in another. Three regional flags need them; the shop does without.
        | '\u{e0000}'..='\u{e007f}')
}

/// Returns the first forbidden character of `text` as `U+202E`, for messages.
#[must_use]
pub fn forbidden_in(text: &str) -> Option<String> {
    text.chars().find(|letter| is_forbidden(*letter)).map(|letter| format!("U+{:04X}", u32::from(letter)))
}

/// Returns `text` without space around it, in Unicode's normalization form C: one spelling of each letter with accents.
#[must_use]
pub fn normalized(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// Checks that `text` is one line of 1 to `max` characters without forbidden ones.
///
/// Errors: a sentence without subject, such as `must not be empty`.
pub fn check_line(text: &str, max: usize) -> garde::Result {
    if !text.chars().any(is_visible) {
        return Err(Error::new("must not be empty"));
    }
    check(text, max, |letter| !is_forbidden(letter), "must be one line without control or invisible characters")
}

/// Checks that `text` has at most `max` characters, and no forbidden ones but line ends. Errors: as [`check_line`].
pub fn check_paragraphs(text: &str, max: usize) -> garde::Result {
    let is_allowed = |letter| letter == '\n' || !is_forbidden(letter);
    check(text, max, is_allowed, "must have no control or invisible characters but line ends")
}

fn check(text: &str, max: usize, is_allowed: fn(char) -> bool, rule: &str) -> garde::Result {
    if let Some(letter) = text.chars().find(|letter| !is_allowed(*letter)) {
        return Err(Error::new(format!("{rule}, and has U+{:04X}", u32::from(letter))));
    }
    if text.chars().count() > max {
        return Err(Error::new(format!("must have at most {max} characters")));
    }
    Ok(())
}

/// Returns false for the allowed characters that display nothing: a name of only these would look empty.
fn is_visible(letter: char) -> bool {
    // Combining grapheme joiner, Hangul fillers, joiners and marks of direction, blank Braille pattern, variation selectors.
    let is_blank = matches!(letter,
        '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{200c}'..='\u{200f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}');
    !is_blank && !letter.is_whitespace()
}

/// One line of 1 to `MAX` characters. Deserializing trims and normalizes; the rule is checked by `Validate`, so that an
/// endpoint refuses a wrong one with 422 and the name of its field: `#[garde(dive)]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

/// Lines of at most `MAX` characters together, possibly none. Deserializing trims, normalizes, and writes every line end
/// as LF and every tab as a space; the rule is checked as that of [`Line`].
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Paragraphs<const MAX: usize>(String);

impl<'de, const MAX: usize> Deserialize<'de> for Line<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(normalized(&String::deserialize(deserializer)?)))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Paragraphs<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(normalized(&text.replace("\r\n", "\n").replace('\t', " "))))
    }
}

impl<const MAX: usize> Validate for Line<MAX> {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Err(error) = check_line(&self.0, MAX) {
            report.append(parent(), error);
        }
    }
}

impl<const MAX: usize> Validate for Paragraphs<MAX> {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Err(error) = check_paragraphs(&self.0, MAX) {
            report.append(parent(), error);
        }
    }
}

impl<const MAX: usize> PartialSchema for Line<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX)).build().into()
    }
}

impl<const MAX: usize> PartialSchema for Paragraphs<MAX> {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::Custom(MULTILINE.to_owned());
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).max_length(Some(MAX)).build().into()
    }
}

impl<const MAX: usize> ToSchema for Line<MAX> {}

impl<const MAX: usize> ToSchema for Paragraphs<MAX> {}

macro_rules! as_text {
    ($name:ident) => {
        impl<const MAX: usize> AsRef<str> for $name<MAX> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> From<$name<MAX>> for String {
            fn from(text: $name<MAX>) -> Self {
                text.0
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

as_text!(Line);
as_text!(Paragraphs);

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<String, String> {
        let line: Line<5> = serde_json::from_value(text.into()).unwrap();
        line.validate().map(|()| line.into()).map_err(|report| report.to_string())
    }

    fn paragraphs(text: &str) -> Result<String, String> {
        let text: Paragraphs<5> = serde_json::from_value(text.into()).unwrap();
        text.validate().map(|()| text.into()).map_err(|report| report.to_string())
    }

    #[test]
    fn a_line_is_trimmed_and_has_one_spelling() {
        assert_eq!(line(" \u{a0}Ada\r\n").unwrap(), "Ada");
        assert_eq!(line("e\u{301}").unwrap(), "é");
        assert_eq!(line("Å\u{212b}").unwrap(), "ÅÅ");
        // Counted after normalization, in characters.
        assert_eq!(line("e\u{301}e\u{301}e\u{301}").unwrap(), "ééé");
        assert!(line("😀😀😀😀😀").is_ok() && line("😀😀😀😀😀😀").is_err());
        // A joined emoji, Persian with ZWNJ, a mark of direction, a lone combining mark, noncharacters.
        for text in ["👩\u{200d}🚀", "می\u{200c}خ", "a\u{200f}", "\u{301}", "\u{ffff}\u{10ffff}", "' \\\"%"] {
            assert!(line(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn no_line_has_a_control_or_invisible_character() {
        let odd = [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9f}',
            '\u{ad}',
            '\u{180e}',
            '\u{200b}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{feff}',
            '\u{fffb}',
            '\u{e0041}',
        ];
        for letter in odd {
            assert!(is_forbidden(letter), "{letter:?}");
            let error = line(&format!("a{letter}b")).unwrap_err();
            assert!(error.contains(&format!("has U+{:04X}", u32::from(letter))), "{error}");
        }
        for letter in (0..=0xffff).filter_map(char::from_u32) {
            assert!(!letter.is_control() || is_forbidden(letter), "{letter:?}");
        }
    }

    #[test]
    fn a_line_that_looks_empty_is_refused() {
        for text in ["", "  ", "\n", "\u{3000}", "\u{200d}", "\u{3164}\u{200e} \u{2800}", "\u{fe0f}"] {
            assert!(line(text).unwrap_err().contains("must not be empty"), "{text:?}");
        }
        assert!(line("abcdef").unwrap_err().contains("at most 5 characters"));
    }

    #[test]
    fn paragraphs_keep_their_line_ends() {
        assert_eq!(paragraphs(" a\r\n\tb\n").unwrap(), "a\n b");
        assert_eq!(paragraphs("").unwrap(), "");
        for text in ["a\0b", "a\rb", "a\u{202e}b", "abcdef"] {
            assert!(paragraphs(text).is_err(), "{text:?}");
        }
    }
}
