//! Extraction of one section from the merged tree, placeholders resolved and mistakes collected.

use serde_json::{Map, Value};

use super::{
    Sources,
    draft::Flaw,
    key::{self, Step},
    merged::{Found, Merged},
    placeholders::Resolver,
};

/// State of the extraction of a section.
pub(super) struct Read<'s> {
    sources: &'s Sources,
    resolver: Resolver<'s>,
    path: Vec<Step>,
    /// Mistakes, a line each.
    pub mistakes: Vec<String>,
    /// Paths in the section of values with a part from a key that looks secret.
    pub secret: Vec<Vec<Step>>,
}

impl<'s> Read<'s> {
    pub fn new(sources: &'s Sources, merged: &'s Merged<'s>, section: &str) -> Self {
        let mut mistakes = Vec::new();
        for (number, layer) in sources.layers.iter().enumerate() {
            let harms = |flaw: &&Flaw| flaw.section == section && merged.is_harmed(flaw, number);
            mistakes.extend(layer.flaws.iter().filter(harms).map(|flaw| flaw.text.clone()));
        }
        let resolver = Resolver::new(&sources.layers, merged);
        Self { sources, resolver, path: vec![Step::Key(section.to_owned())], mistakes, secret: Vec::new() }
    }

    /// Returns the value of `node` with placeholders resolved, without invalid parts.
    pub fn value(&mut self, node: &Merged<'_>) -> Option<Value> {
        match node {
            Merged::Leaf(found) => self.leaf(found.value, found.layer),
            Merged::Branch(entries) => {
                let mut object = Map::new();
                for (key, node) in entries {
                    self.path.push(Step::Key((*key).to_owned()));
                    let value = self.value(node);
                    self.path.pop();
                    object.extend(value.map(|value| ((*key).to_owned(), value)));
                }
                Some(Value::Object(object))
            }
        }
    }

    /// Returns `None` for a mistake, which is recorded.
    fn leaf(&mut self, value: &Value, layer: usize) -> Option<Value> {
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| self.below(Step::Index(index), item, layer));
                items.collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Value::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Some((key.clone(), self.below(Step::Key(key.clone()), value, layer)?)));
                entries.collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            value => self.scalar(value, layer),
        }
    }

    fn below(&mut self, step: Step, value: &Value, layer: usize) -> Option<Value> {
        self.path.push(step);
        let value = self.leaf(value, layer);
        self.path.pop();
        value
    }

    fn scalar(&mut self, value: &Value, layer: usize) -> Option<Value> {
        let filled = match self.resolver.fill(&self.path, Found { value, layer }) {
            None => value.clone(),
            Some(Ok((text, is_secret))) => {
                if is_secret {
                    self.secret.push(self.path.iter().skip(1).cloned().collect());
                }
                Value::String(text)
            }
            Some(Err(wrong)) => return self.mistake(&wrong, layer),
        };
        // The config server's own section may hold encrypted values that it serves.
        let is_served = self.path.first() == Some(&Step::Key("config_server".to_owned()));
        if !is_served && filled.as_str().is_some_and(|text| text.trim_start().starts_with("{cipher}")) {
            return self.mistake("it is still encrypted; only the config server decrypts: give the plain value", layer);
        }
        Some(filled)
    }

    fn mistake(&mut self, wrong: &str, layer: usize) -> Option<Value> {
        let origin = self.sources.layers.get(layer).map_or("", |layer| layer.origin.as_str());
        self.mistakes.push(format!("{}: {wrong} ({origin})", key::show(&self.path)));
        None
    }
}
