//! Resolution of `${key}` and `${key:default}` against all layers. Unset keys, circles and unbounded growth are mistakes.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Layer,
    key::{self, Step},
    masking::looks_secret,
    merged::{Found, Merged, plain_text},
};

/// Upper bound of the depth of nested placeholders.
const MAX_DEPTH: usize = 32;
/// Upper bound of the resolved text of a configuration, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// Advice for a text that is meant literally.
const LITERAL: &str = "write \\${ for a literal ${";

/// A text with its placeholders resolved.
#[derive(Debug, Clone, Default)]
struct Filled {
    text: String,
    /// True when a part of it comes from a key that looks secret.
    is_secret: bool,
}

/// Resolves placeholders, each value once.
pub(super) struct Resolver<'s> {
    layers: &'s [Layer],
    merged: &'s Merged<'s>,
    done: HashMap<Vec<Step>, Result<Filled, String>>,
    in_progress: Vec<Vec<Step>>,
    bytes_left: usize,
}

impl<'s> Resolver<'s> {
    pub fn new(layers: &'s [Layer], merged: &'s Merged<'s>) -> Self {
        Self { layers, merged, done: HashMap::new(), in_progress: Vec::new(), bytes_left: MAX_BYTES }
    }

    /// Resolves the value at `steps`; the flag is true when a part comes from a key that looks secret. Returns `None` for a
    /// value without placeholders. Errors: the reason.
    pub fn fill(&mut self, steps: &[Step], found: Found<'_>) -> Option<Result<(String, bool), String>> {
        let text = found.value.as_str().filter(|text| text.contains("${"))?;
        if !self.layers.get(found.layer)?.has_placeholders {
            return None;
        }
        Some(self.once(steps, text, 0).map(|filled| (filled.text, filled.is_secret)))
    }

    fn once(&mut self, steps: &[Step], text: &str, depth: usize) -> Result<Filled, String> {
        if let Some(done) = self.done.get(steps) {
            return done.clone();
        }
        if let Some(first) = self.in_progress.iter().position(|step| step == steps) {
            let round: Vec<String> = self.in_progress.iter().skip(first).map(|steps| key::show(steps)).collect();
            return Err(format!("placeholders lead round in a circle: {} → {}", round.join(" → "), key::show(steps)));
        }
        self.in_progress.push(steps.to_vec());
        let key = key::show(steps);
        let filled = self.expand(text, depth).map_err(|wrong| hide(&key, wrong));
        self.in_progress.pop();
        self.done.insert(steps.to_vec(), filled.clone());
        filled
    }

    fn expand(&mut self, text: &str, depth: usize) -> Result<Filled, String> {
        if depth > MAX_DEPTH {
            return Err(format!("placeholders lead from one to the next more than {MAX_DEPTH} times"));
        }
        let mut filled = Filled::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('\\') {
                self.add(&mut filled, before)?;
                self.add(&mut filled, "${")?;
                rest = after;
                continue;
            }
            self.add(&mut filled, before)?;
            let end = closing_brace(after).ok_or_else(|| format!("a '${{' has no '}}'; {LITERAL}"))?;
            let (inner, after) = after.split_at(end);
            let value = self.value_of(inner, depth + 1)?;
            self.add(&mut filled, &value.text)?;
            filled.is_secret |= value.is_secret;
            rest = after.strip_prefix('}').unwrap_or(after);
        }
        self.add(&mut filled, rest)?;
        Ok(filled)
    }

    fn add(&mut self, filled: &mut Filled, text: &str) -> Result<(), String> {
        self.bytes_left = self
            .bytes_left
            .checked_sub(text.len())
            .ok_or_else(|| format!("placeholders put in more than {MAX_BYTES} bytes"))?;
        filled.text.push_str(text);
        Ok(())
    }

    /// Returns the value of `${inner}`.
    fn value_of(&mut self, inner: &str, depth: usize) -> Result<Filled, String> {
        let (key, default) = match colon(inner) {
            Some(at) => (inner.get(..at).unwrap_or_default(), inner.get(at + 1..)),
            None => (inner, None),
        };
        let key = self.expand(key, depth)?.text;
        let key = key.trim();
        let is_secret = looks_secret(key);
        if let Ok(steps) = key::parse(key) {
            if let Some(why) = self.lost(&steps) {
                return Err(format!("${{{key}}} cannot be filled in: {why}"));
            }
            if let Some(found) = self.merged.find(&steps) {
                let mut filled = self.text_of(key, &steps, found, depth)?;
                filled.is_secret |= is_secret;
                return Ok(filled);
            }
        }
        match default {
            Some(default) => {
                let filled = self.expand(default, depth).map_err(|wrong| hide(key, wrong))?;
                Ok(Filled { is_secret: is_secret || filled.is_secret, ..filled })
            }
            None => {
                Err(format!("${{{key}}}: {key} is not set; set it, give a default: ${{{key}:default}}, or {LITERAL}"))
            }
        }
    }

    fn text_of(&mut self, key: &str, steps: &[Step], found: Found<'_>, depth: usize) -> Result<Filled, String> {
        if let Value::String(text) = found.value
            && self.layers.get(found.layer).is_some_and(|layer| layer.has_placeholders)
        {
            return self.once(steps, text, depth);
        }
        let items = found.value.as_array().map(Vec::as_slice).unwrap_or_default();
        if items.iter().any(|item| item.as_str().is_some_and(|text| text.contains("${"))) {
            return Err(format!("${{{key}}} is a list with placeholders of its own; name one item, as in {key}[0]"));
        }
        let text = plain_text(found.value).ok_or_else(|| format!("${{{key}}} is not one value"))?;
        Ok(Filled { text, is_secret: false })
    }

    /// Returns the mistake of a value at `steps` that is set but unusable, and so must not fall back to a weaker layer.
    fn lost(&self, steps: &[Step]) -> Option<&'s str> {
        self.layers.iter().enumerate().find_map(|(number, layer)| {
            let harms = |flaw: &&super::draft::Flaw| flaw.place == steps && self.merged.is_harmed(flaw, number);
            layer.flaws.iter().find(harms).map(|flaw| flaw.text.as_str())
        })
    }
}

/// Returns the mistake in the text of `key`; without any part of a text that may be secret, where `${` may belong to it.
fn hide(key: &str, wrong: String) -> String {
    if !looks_secret(key) {
        return wrong;
    }
    format!("a '${{' in {key} cannot be filled in; the text is not shown, as it may be secret; {LITERAL}")
}

/// Returns the position of the brace that closes the one before `text`, across nested pairs.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// Returns the position of the first colon outside of braces.
fn colon(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
