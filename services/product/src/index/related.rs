//! Products by their ids, and those that go with a product.

use std::collections::BTreeSet;

use souk_values::{PageRequest, ProductId, page::MAX_PAGE_SIZE};

use super::{CatalogueIndex, IndexError, Shown, facts, shelf::Shelf};
use crate::store::{Filter, ListEntry, Sort};

impl CatalogueIndex {
    /// Returns the group of a product; `None` when it is not in the index.
    pub(crate) fn group_of(&self, id: ProductId) -> Option<ProductId> {
        self.0.shelf.read().known(id).map(|known| known.group_id)
    }

    /// Returns the products of `ids` that are in the index, in that order.
    pub(crate) fn products_in_order(&self, ids: &[ProductId]) -> Result<Vec<ListEntry>, IndexError> {
        let shown = self.0.shown.read().clone();
        let goods = self.0.shelf.read();
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            let entry = self.entry_of(&shown, &goods, *id)?;
            entries.extend(entry.map(|entry| ListEntry { group: None, ..entry }));
        }
        Ok(entries)
    }

    /// Returns at most `count` products, one of each group: first `companions`, then the first of the product's category.
    pub(crate) fn related(
        &self,
        id: ProductId,
        companions: &[ProductId],
        count: usize,
    ) -> Result<Vec<ListEntry>, IndexError> {
        let shown = self.0.shown.read().clone();
        let (mut entries, mut groups) = (Vec::with_capacity(count), BTreeSet::new());
        let category;
        {
            let goods = self.0.shelf.read();
            let Some(product) = self.entry_of(&shown, &goods, id)?.map(|entry| entry.product) else {
                return Ok(entries);
            };
            groups.insert(product.group_id());
            category = product.details.category_id.to_string();
            for companion in companions {
                if entries.len() < count && goods.known(*companion).is_some_and(|known| groups.insert(known.group_id)) {
                    entries.extend(self.entry_of(&shown, &goods, *companion)?);
                }
            }
        }
        let filter = Filter { category: Some(category), ..Filter::default() };
        // Some of the first may be companions.
        let page = PageRequest::numbered(0, MAX_PAGE_SIZE.min(u32::try_from(2 * count).unwrap_or(u32::MAX)));
        if entries.len() < count {
            let best = self.list(&filter, Sort::Relevance, page, false)?.entries;
            entries.extend(best.into_iter().filter(|entry| groups.insert(entry.product.group_id())));
        }
        entries.truncate(count);
        Ok(entries)
    }

    /// Returns a product with the facts of its group; `None` when it is not in the index.
    fn entry_of(&self, shown: &Shown, goods: &Shelf, id: ProductId) -> Result<Option<ListEntry>, IndexError> {
        let Some((place, group)) = goods.place_of_product(id).and_then(|place| Some((place, goods.group(place)?)))
        else {
            return Ok(None);
        };
        let Some(document) = shown.document(place)? else { return Ok(None) };
        let item = goods.items(group).iter().enumerate().find(|(_, item)| item.product_id == id);
        let Some((number, item)) = item else { return Ok(None) };
        let Some(product) = self.product_of(&document, number, item)? else { return Ok(None) };
        let facts = facts(group, product.details.price.currency);
        Ok(Some(ListEntry { product, group: Some(facts) }))
    }
}
