//! `${key}` and `${key:default}` in a text, resolved against an environment and nothing else.

use std::collections::HashMap;

use super::{Environment, Scalar};

/// A placeholder within more placeholders than this stays as it is.
const DEEPEST: usize = 32;
/// What values may add to a text, all calls together; when it is spent, placeholders stay as they are.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What looking up one placeholder costs of that, however short its value is.
const LOOKUP_COST: usize = 64;

/// The values of an environment, ready to be put into texts.
///
/// A key's value may hold placeholders itself, and so may a placeholder's key and default. One that has neither a
/// value nor a default stays as it is, and so does one that leads back to itself. `\${` is written as `${`.
/// The work is bounded: it ends however the values refer to each other.
pub struct Placeholders<'e> {
    values: HashMap<&'e str, &'e Scalar>,
    left: usize,
}

impl<'e> Placeholders<'e> {
    /// With the values of `environment`; of several the strongest counts.
    #[must_use]
    pub fn of(environment: &'e Environment) -> Self {
        let weakest_first = environment.property_sources.iter().rev().flat_map(|source| &source.source);
        let values = weakest_first.map(|property| (property.key.as_str(), &property.value)).collect();
        Self { values, left: MOST_BYTES }
    }

    /// `text` with its placeholders replaced.
    #[must_use]
    pub fn resolve(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.write(text, &mut Vec::new(), 0, &mut out);
        out
    }

    /// The value that `text` stands for if it is one placeholder and nothing else, and that value is no text.
    pub(super) fn typed(&self, text: &str) -> Option<&'e Scalar> {
        let key = text.strip_prefix("${")?.strip_suffix('}')?;
        let value = self.values.get(key).copied()?;
        (!matches!(value, Scalar::Text(_))).then_some(value)
    }

    fn write(&mut self, text: &'_ str, within: &mut Vec<String>, depth: usize, out: &mut String) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push_str("${");
                rest = after;
                continue;
            }
            out.push_str(before);
            let Some((content, following)) = split_at_end(after) else {
                out.push_str("${");
                rest = after;
                // What is never closed holds no placeholder.
                break;
            };
            if !self.replace(content, within, depth, out) {
                out.push_str("${");
                out.push_str(content);
                out.push('}');
            }
            rest = following;
        }
        out.push_str(rest);
    }

    /// Writes what the placeholder stands for; `false`: it must stay, and nothing was written.
    fn replace(&mut self, content: &str, within: &mut Vec<String>, depth: usize, out: &mut String) -> bool {
        if depth >= DEEPEST {
            return false;
        }
        let is_plain = !content.contains("${");
        let (key, default) = match split_default(content) {
            // A key may itself hold a colon.
            Some(_) if is_plain && self.values.contains_key(content) => (content, None),
            Some((key, default)) => (key, Some(default)),
            None => (content, None),
        };
        let mut name = String::new();
        self.write(key, within, depth + 1, &mut name);
        let value = self.values.get(name.as_str()).copied();
        let text = match (value, default) {
            (Some(Scalar::Text(text)), _) => text.as_str(),
            (Some(value), _) => &value.to_string(),
            (None, Some(default)) => default,
            (None, None) => return false,
        };
        let Some(left) = self.left.checked_sub(text.len() + LOOKUP_COST).filter(|_| !within.contains(&name)) else {
            return false;
        };
        self.left = left;
        within.push(name);
        self.write(text, within, depth + 1, out);
        within.pop();
        true
    }
}

/// What is before the `}` that closes a placeholder, and what is after it.
fn split_at_end(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some((text.get(..index)?, text.get(index + 1..)?)),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// Key and default, split at the first colon that is in no inner placeholder.
fn split_default(content: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    let colon = content.bytes().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        byte == b':' && open == 0
    })?;
    Some((content.get(..colon)?, content.get(colon + 1..)?))
}

#[cfg(test)]
#[path = "placeholders/tests.rs"]
mod tests;
