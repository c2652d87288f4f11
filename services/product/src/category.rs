//! The tree of categories.

use std::collections::{BTreeMap, BTreeSet};

use souk_values::CategoryId;

/// Maximum length of a name in characters.
pub(crate) const MAX_CATEGORY_NAME: usize = 120;
/// Maximum distance of a position from 0.
pub(crate) const MAX_POSITION: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CategoryDraft {
    pub name: String,
    /// `None` for the top level.
    pub parent_id: Option<CategoryId>,
    /// Derived from the name when `None`.
    pub slug: Option<String>,
    pub position: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Category {
    #[expect(clippy::struct_field_names, reason = "ids have the same name everywhere")]
    pub category_id: CategoryId,
    /// `None` for the top level.
    pub parent_id: Option<CategoryId>,
    pub slug: String,
    pub name: String,
    /// Order among siblings, ascending.
    pub position: i64,
}

/// New values of a category; `None` keeps the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CategoryEdit {
    /// `Some(None)` moves the category to the top level.
    #[expect(clippy::option_option, reason = "keep, move to the top and move below are three cases")]
    pub parent_id: Option<Option<CategoryId>>,
    pub slug: Option<String>,
    pub name: Option<String>,
    pub position: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CategoryTree(Vec<Category>);

impl CategoryTree {
    pub(crate) fn new(categories: Vec<Category>) -> Self {
        Self(categories)
    }

    /// Returns all categories, in the order they were given.
    pub(crate) fn nodes(&self) -> &[Category] {
        &self.0
    }

    pub(crate) fn add(&mut self, category: Category) {
        self.0.push(category);
    }

    pub(crate) fn get(&self, id: CategoryId) -> Option<&Category> {
        self.0.iter().find(|category| category.category_id == id)
    }

    pub(crate) fn named(&self, slug_or_id: &str) -> Option<&Category> {
        let by_slug = self.0.iter().find(|category| category.slug == slug_or_id);
        by_slug.or_else(|| slug_or_id.parse().ok().and_then(|id| self.get(id)))
    }

    /// Returns the child of `parent` with this name, ignoring case.
    pub(crate) fn child(&self, parent: Option<CategoryId>, name: &str) -> Option<&Category> {
        let name = name.to_lowercase();
        self.0.iter().find(|category| category.parent_id == parent && category.name.to_lowercase() == name)
    }

    /// Returns `id` and the ids of all categories below it.
    pub(crate) fn with_descendants(&self, id: CategoryId) -> BTreeSet<CategoryId> {
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

    /// Adds to the count of each category, in `own`, the counts of all categories below it.
    pub(crate) fn summed(&self, own: &BTreeMap<CategoryId, u64>) -> BTreeMap<CategoryId, u64> {
        let parents: BTreeMap<CategoryId, Option<CategoryId>> =
            self.0.iter().map(|category| (category.category_id, category.parent_id)).collect();
        let mut sums = BTreeMap::new();
        for (&id, &count) in own {
            let mut node = parents.contains_key(&id).then_some(id);
            // The store prevents cycles; the bound keeps damaged data from looping forever.
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

    fn tree() -> CategoryTree {
        let node = |number: i64, parent: Option<i64>, slug: &str| Category {
            category_id: id(number),
            parent_id: parent.map(id),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            position: 0,
        };
        CategoryTree::new(vec![
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
    fn descendants_belong_to_a_category() {
        assert_eq!(tree().with_descendants(id(1)), BTreeSet::from([id(1), id(2), id(3)]));
        let sums = tree().summed(&BTreeMap::from([(id(3), 5), (id(1), 1), (id(99), 7)]));
        assert_eq!(sums, BTreeMap::from([(id(1), 6), (id(2), 5), (id(3), 5)]));
    }
}
