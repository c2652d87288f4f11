//! Labels with numbers, such as brands: products hold the number, and share the text.

use std::{collections::HashMap, hash::Hash};

use super::arena::wide;

/// Labels with numbers, so that many products share each.
#[derive(Debug)]
pub(super) struct Labels<T> {
    labels: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Labels<T> {
    fn default() -> Self {
        Self { labels: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Labels<T> {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.labels.iter()
    }

    pub(super) fn find(&self, label: &T) -> Option<u32> {
        self.numbers.get(label).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.labels.get(wide(number))
    }

    pub(super) fn number(&mut self, label: T) -> u32 {
        if let Some(number) = self.numbers.get(&label) {
            return *number;
        }
        let number = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.labels.push(label.clone());
        self.numbers.insert(label, number);
        number
    }
}
