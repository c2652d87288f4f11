//! The category tree.

use std::collections::{BTreeMap, BTreeSet};

use souk_values::CategoryId;

/// The longest name, characters.
pub const MAX_CATEGORY_NAME: usize = 120;
/// The farthest position from 0.
pub const MAX_POSITION: i64 = 1_000_000;

/// A category to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryDraft {
    /// Its name.
    pub name: String,
    /// Under which; none: at the top.
    pub parent_id: Option<CategoryId>,
    /// Unique in the shop; made of the name when absent.
    pub slug: Option<String>,
    /// Lower stands first.
    pub position: i64,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Which.
    #[expect(clippy::struct_field_names, reason = "ids are named alike wherever they stand")]
    pub category_id: CategoryId,
    /// Under which; none: at the top.
    pub parent_id: Option<CategoryId>,
    /// Unique in the shop.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Lower stands first.
    pub position: i64,
}

/// What an admin changes of a category; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryEdit {
    /// Moves it; `Some(None)` to the top.
    #[expect(clippy::option_option, reason = "stay, go to the top and go below are three cases")]
    pub parent_id: Option<Option<CategoryId>>,
    /// Another slug.
    pub slug: Option<String>,
    /// Another name.
    pub name: Option<String>,
    /// Another place among its siblings.
    pub position: Option<i64>,
}

/// All categories.
#[derive(Debug, Clone, Default)]
pub struct Tree(Vec<Category>);

impl Tree {
    /// Of these nodes.
    #[must_use]
    pub fn new(categories: Vec<Category>) -> Self {
        Self(categories)
    }

    /// The nodes as they were given.
    #[must_use]
    pub fn nodes(&self) -> &[Category] {
        &self.0
    }

    /// Adds a node.
    pub fn add(&mut self, category: Category) {
        self.0.push(category);
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        self.0.iter().find(|category| category.category_id == id)
    }

    /// The one with this slug, or else this id.
    #[must_use]
    pub fn named(&self, slug_or_id: &str) -> Option<&Category> {
        let by_slug = self.0.iter().find(|category| category.slug == slug_or_id);
        by_slug.or_else(|| slug_or_id.parse().ok().and_then(|id| self.get(id)))
    }

    /// The child of `parent` with this name, in whatever case.
    #[must_use]
    pub fn child(&self, parent: Option<CategoryId>, name: &str) -> Option<&Category> {
        let name = name.to_lowercase();
        self.0.iter().find(|category| category.parent_id == parent && category.name.to_lowercase() == name)
    }

    /// `id` and everything under it.
    #[must_use]
    pub fn with_descendants(&self, id: CategoryId) -> BTreeSet<CategoryId> {
        let mut found = BTreeSet::from([id]);
        let mut is_growing = true;
        while is_growing {
            is_growing = false;
            for category in &self.0 {
                if category.parent_id.is_some_and(|parent| found.contains(&parent)) {
                    is_growing |= found.insert(category.category_id);
                }
            }
        }
        found
    }

    /// Counts of each category with those of everything under it, from counts of each alone.
    #[must_use]
    pub fn summed(&self, alone: &BTreeMap<CategoryId, u64>) -> BTreeMap<CategoryId, u64> {
        let parents: BTreeMap<CategoryId, Option<CategoryId>> =
            self.0.iter().map(|category| (category.category_id, category.parent_id)).collect();
        let mut sums = BTreeMap::new();
        for (&id, &count) in alone {
            let mut node = parents.contains_key(&id).then_some(id);
            // The tree has no cycles; the bound only keeps a damaged one from looping.
            for _ in 0..=self.0.len() {
                let Some(category) = node else { break };
                *sums.entry(category).or_insert(0) += count;
                node = parents.get(&category).copied().flatten();
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    fn id(number: i64) -> CategoryId {
        CategoryId::new(number).unwrap()
    }

    fn tree() -> Tree {
        let node = |number: i64, parent: Option<i64>, slug: &str| Category {
            category_id: id(number),
            parent_id: parent.map(id),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            position: 0,
        };
        Tree::new(vec![
            node(3, Some(2), "pans"),
            node(1, None, "home"),
            node(2, Some(1), "kitchen"),
            node(4, None, "4x"),
        ])
    }

    #[test]
    fn a_category_is_found_by_slug_id_and_name() {
        assert_eq!(tree().named("kitchen").unwrap().category_id, id(2));
        assert_eq!(tree().named("3").unwrap().category_id, id(3));
        assert!(tree().named("0").is_none());
        assert_eq!(tree().child(Some(id(1)), "Kitchen").unwrap().category_id, id(2));
        assert!(tree().child(None, "kitchen").is_none());
    }

    #[test]
    fn what_lies_below_belongs_to_it() {
        assert_eq!(tree().with_descendants(id(1)), BTreeSet::from([id(1), id(2), id(3)]));
        let sums = tree().summed(&BTreeMap::from([(id(3), 5), (id(1), 1), (id(99), 7)]));
        assert_eq!(sums, BTreeMap::from([(id(1), 6), (id(2), 5), (id(3), 5)]));
    }
}
