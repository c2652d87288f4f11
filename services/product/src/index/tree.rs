//! The tree of categories with the words of its names.

use std::collections::{BTreeSet, HashMap};

use souk_values::CategoryId;

use super::words;
use crate::category::{Category, CategoryTree};

/// Words are folded once for each tree, and not for each query.
#[derive(Debug, Default)]
pub(super) struct NamedTree {
    tree: CategoryTree,
    /// Words of each category's name, in the order of the tree.
    names: Vec<Vec<String>>,
    /// Categories with those below them, by the words of their names and by the stems of these.
    by_word: HashMap<String, BTreeSet<CategoryId>>,
    by_stem: HashMap<String, BTreeSet<CategoryId>>,
}

impl NamedTree {
    pub(super) fn new(tree: CategoryTree) -> Self {
        let mut named = Self::default();
        for category in tree.nodes() {
            let inside = tree.with_descendants(category.category_id);
            let name = words::of_text(&category.name);
            for word in &name {
                named.by_word.entry(word.clone()).or_default().extend(&inside);
                for stem in words::stems(word) {
                    named.by_stem.entry(stem).or_default().extend(&inside);
                }
            }
            named.names.push(name);
        }
        Self { tree, ..named }
    }

    pub(super) const fn tree(&self) -> &CategoryTree {
        &self.tree
    }

    /// Returns the categories in whose names, or in a name above theirs, a folded word or its stem occurs.
    pub(super) fn categories_named(&self, word: &str) -> BTreeSet<CategoryId> {
        let mut named = self.by_word.get(word).cloned().unwrap_or_default();
        for stem in words::stems(word) {
            named.extend(self.by_stem.get(&stem).into_iter().flatten());
        }
        named
    }

    /// Returns all categories with the folded words of their names.
    pub(super) fn with_words(&self) -> impl Iterator<Item = (&Category, &Vec<String>)> {
        self.tree.nodes().iter().zip(&self.names)
    }
}
