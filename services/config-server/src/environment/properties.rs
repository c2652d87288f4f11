//! Parses Java's `.properties` files, with `#---` between documents.

use std::collections::HashMap;

use super::{
    document::{Document, DocumentBuilder, ParseError},
    property_sources::{Position, Property},
    scalar::Scalar,
};

/// Returns the documents of a file, without empty ones.
pub(super) fn parse(text: &str) -> Result<Vec<Document>, ParseError> {
    let lines: Vec<&str> = lines(text);
    let mut documents = Vec::new();
    let mut current = PropertiesBuilder::default();
    let mut numbered = lines.iter().enumerate();
    while let Some((index, raw)) = numbered.next() {
        let line = raw.trim_start_matches(is_blank);
        if line.is_empty() {
            continue;
        }
        if line.starts_with(['#', '!']) {
            if is_separator(&lines, index) {
                documents.push(std::mem::take(&mut current).document.finish());
            }
            continue;
        }
        let mut logical = line.to_owned();
        let mut last = line;
        while continues(last) {
            logical.pop();
            let Some((_, next)) = numbered.next() else { break };
            last = next.trim_start_matches(is_blank);
            logical.push_str(last);
        }
        let (key, value) = split(&logical);
        let unescaped =
            |text| unescape(text).ok_or_else(|| ParseError::at(index + 1, "\\u needs four hexadecimal digits"));
        let column = raw.chars().count() - line.chars().count() + 1;
        current.put(unescaped(key)?, unescaped(value)?, Position { line: index + 1, column });
    }
    documents.push(current.document.finish());
    documents.retain(|document| !document.is_empty());
    Ok(documents)
}

/// A document in progress, and the lengths of its lists.
#[derive(Default)]
struct PropertiesBuilder {
    document: DocumentBuilder,
    lists: HashMap<String, usize>,
}

impl PropertiesBuilder {
    /// Adds a property. `key[]` is the next element of the list `key`.
    fn put(&mut self, key: String, value: String, at: Position) {
        let key = match key.strip_suffix("[]") {
            Some(list) => {
                let next = self.lists.entry(list.to_owned()).or_default();
                let key = format!("{list}[{next}]");
                *next += 1;
                key
            }
            None => key,
        };
        self.document.put(Property { key, value: Scalar::Text(value), at: Some(at) });
    }
}

/// Splits `text` into lines, which may end in LF, CR or both.
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

const fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\u{c}')
}

/// True when line `index` is `#---` or `!---`, without a comment of the same sign directly before or after it.
fn is_separator(lines: &[&str], index: usize) -> bool {
    let is_comment = |line: Option<&&str>, sign: char| line.is_some_and(|line| line.starts_with(sign));
    let Some(line) = lines.get(index) else { return false };
    ['#', '!'].into_iter().any(|sign| {
        line.strip_prefix(sign).is_some_and(|rest| rest.trim_end_matches(is_blank) == "---")
            && !is_comment(lines.get(index + 1), sign)
            && !is_comment(index.checked_sub(1).and_then(|before| lines.get(before)), sign)
    })
}

/// True when the line ends in a backslash that is not escaped itself.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Splits a line into key and value, both still escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|letter| {
        let ends = !escaped && (is_blank(letter) || matches!(letter, '=' | ':'));
        escaped = !escaped && letter == '\\';
        ends
    });
    let (key, rest) = line.split_at_checked(end.unwrap_or(line.len())).unwrap_or((line, ""));
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

/// Resolves the escapes; `None` for a `\u` without four digits.
fn unescape(text: &str) -> Option<String> {
    let mut units = Vec::with_capacity(text.len());
    let mut buffer = [0; 2];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = if letter == '\\' {
            match letters.next() {
                Some('u') => {
                    let digits = letters.as_str().get(..4)?;
                    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                        return None;
                    }
                    units.push(u16::from_str_radix(digits, 16).ok()?);
                    letters = letters.as_str().get(4..)?.chars();
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => break,
            }
        } else {
            letter
        };
        units.extend_from_slice(letter.encode_utf16(&mut buffer));
    }
    // Java writes a character beyond 16 bits as two escapes; half of such a pair becomes U+FFFD.
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests;
