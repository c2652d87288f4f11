//! Resolves `${key}` and `${key:default}` in a text, against an environment only.

use std::collections::HashMap;

use super::{property_sources::Environment, scalar::Scalar};

/// Limit on nested placeholders; deeper ones are left unchanged.
const MAX_DEPTH: usize = 32;
/// Budget for the bytes that values add, over all calls; once it is spent, placeholders are left unchanged.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Cost of one lookup, in bytes of the budget. Without it, empty values could multiply forever.
const LOOKUP_COST: usize = 64;

/// The values of an environment, prepared for replacing placeholders.
///
/// A value may contain placeholders itself, and so may the key and the default of a placeholder. A placeholder without
/// value and default is left unchanged, and so is one that refers to itself. `\${` is written as `${`. The work is
/// bounded, however the values refer to each other.
pub(crate) struct Placeholders<'e> {
    values: HashMap<&'e str, &'e Scalar>,
    /// Bytes of the budget that are left.
    budget: usize,
}

impl<'e> Placeholders<'e> {
    pub fn of(environment: &'e Environment) -> Self {
        let weakest_first = environment.property_sources.iter().rev().flat_map(|source| &source.source);
        let values = weakest_first.map(|property| (property.key.as_str(), &property.value)).collect();
        Self { values, budget: MAX_BYTES }
    }

    /// Returns `text` with its placeholders replaced.
    pub fn resolve(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.write(text, &mut Vec::new(), 0, &mut out);
        out
    }

    /// Returns the value of a text that is a single placeholder, unless that value is a text.
    pub fn typed(&self, text: &str) -> Option<&'e Scalar> {
        let key = text.strip_prefix("${")?.strip_suffix('}')?;
        let value = self.values.get(key).copied()?;
        (!matches!(value, Scalar::Text(_))).then_some(value)
    }

    fn write(&mut self, text: &str, within: &mut Vec<String>, depth: usize, out: &mut String) {
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
                // Without a closing brace, the rest contains no placeholder.
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

    /// Writes the value of the placeholder; `false` if it is left unchanged, with nothing written.
    fn replace(&mut self, content: &str, within: &mut Vec<String>, depth: usize, out: &mut String) -> bool {
        if depth >= MAX_DEPTH {
            return false;
        }
        let is_plain = !content.contains("${");
        let (key, default) = match split_default(content) {
            // A key may contain a colon itself.
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
        let Some(budget) = self.budget.checked_sub(text.len() + LOOKUP_COST).filter(|_| !within.contains(&name)) else {
            return false;
        };
        self.budget = budget;
        within.push(name);
        self.write(text, within, depth + 1, out);
        within.pop();
        true
    }
}

/// Splits a text at the `}` that closes a placeholder.
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

/// Splits a placeholder into key and default, at the first colon outside of inner placeholders.
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
mod tests;
