//! The shelf: what lists filter, sort and count by, of every visible product, in memory.
//!
//! Stock and sold units change with every order, so they are atomics: orders move while lists are made.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use souk_values::{CategoryId, ProductId};

use crate::{product::CatalogueProduct, variant::ProductOption};

/// A group as the index keeps it between two starts. Stock is not in it: the store knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShelfEntry {
    pub group_id: ProductId,
    /// Folded name of the first variant, by which lists are sorted.
    pub name_key: String,
    pub items: Vec<EntryItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntryItem {
    pub product_id: ProductId,
    pub version: i64,
    /// Minor units.
    pub price: i64,
    pub category_id: CategoryId,
    pub brand: Option<String>,
    pub options: Vec<ProductOption>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

impl ShelfEntry {
    /// `products` are the visible ones of a group in their order; `None` when there are none.
    pub(super) fn of(group_id: ProductId, products: &[CatalogueProduct]) -> Option<Self> {
        let first = products.first()?;
        let items = products.iter().map(|product| EntryItem {
            product_id: product.product_id,
            version: product.version,
            price: product.details.price.minor,
            category_id: product.details.category_id,
            brand: product.details.brand.clone(),
            options: product.details.options.clone(),
            created_at: product.created_at.millis(),
        });
        Some(Self { group_id, name_key: first.details.name_key(), items: items.collect() })
    }
}

/// Units of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Units {
    pub stock: i64,
    pub sold: i64,
}

/// A group of variants on the shelf.
#[derive(Debug)]
pub(super) struct ShelfGroup {
    pub group_id: ProductId,
    pub name_key: Box<str>,
    /// Grows with every change of one of its products, so that what was prepared of it is known to be old.
    pub revision: AtomicU64,
    pub items: Box<[Item]>,
}

#[derive(Debug)]
pub(super) struct Item {
    pub product_id: ProductId,
    pub version: i64,
    pub price: i64,
    pub category_id: CategoryId,
    /// Numbers of labels of the shelf.
    pub brand: Option<usize>,
    pub options: Box<[usize]>,
    pub created_at: i64,
    stock: AtomicI64,
    sold: AtomicI64,
}

impl Item {
    pub(super) fn units(&self) -> Units {
        Units { stock: self.stock.load(Ordering::Relaxed), sold: self.sold.load(Ordering::Relaxed) }
    }
}

/// Where a product is, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub group_id: ProductId,
    pub version: i64,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    groups: Vec<Option<ShelfGroup>>,
    by_group: HashMap<ProductId, usize>,
    by_product: HashMap<ProductId, usize>,
    pub brands: Labels<String>,
    pub options: Labels<ProductOption>,
    revisions: u64,
}

impl Shelf {
    /// Number of places, empty ones included.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Number of products.
    pub(super) fn products(&self) -> usize {
        self.by_product.len()
    }

    pub(super) fn group(&self, place: usize) -> Option<&ShelfGroup> {
        self.groups.get(place).and_then(Option::as_ref)
    }

    /// Returns all groups with their places.
    pub(super) fn groups(&self) -> impl Iterator<Item = (usize, &ShelfGroup)> {
        self.groups.iter().enumerate().filter_map(|(place, group)| Some((place, group.as_ref()?)))
    }

    pub(super) fn place_of_product(&self, id: ProductId) -> Option<usize> {
        self.by_product.get(&id).copied()
    }

    /// Returns the units of a product; `None` when it is not on the shelf.
    pub(super) fn units(&self, id: ProductId) -> Option<Units> {
        let group = self.group(self.place_of_product(id)?)?;
        group.items.iter().find(|item| item.product_id == id).map(Item::units)
    }

    pub(super) fn product_ids(&self) -> impl Iterator<Item = ProductId> {
        self.by_product.keys().copied()
    }

    pub(super) fn known(&self, id: ProductId) -> Option<Known> {
        let group = self.group(self.place_of_product(id)?)?;
        let item = group.items.iter().find(|item| item.product_id == id)?;
        Some(Known { group_id: group.group_id, version: item.version })
    }

    /// Returns the place that a group has or will get.
    pub(super) fn place_for(&mut self, group_id: ProductId) -> usize {
        if let Some(place) = self.by_group.get(&group_id) {
            return *place;
        }
        self.groups.push(None);
        let place = self.groups.len() - 1;
        self.by_group.insert(group_id, place);
        place
    }

    /// Puts a group at its place, instead of what was there.
    pub(super) fn put(&mut self, place: usize, entry: ShelfEntry, units: impl Fn(ProductId) -> Units) {
        let ShelfEntry { group_id, name_key, items } = entry;
        self.forget_products(place);
        while self.groups.len() <= place {
            self.groups.push(None);
        }
        let mut put = Vec::with_capacity(items.len());
        for item in items {
            self.by_product.insert(item.product_id, place);
            let Units { stock, sold } = units(item.product_id);
            put.push(Item {
                product_id: item.product_id,
                version: item.version,
                price: item.price,
                category_id: item.category_id,
                brand: item.brand.map(|brand| self.brands.number(brand)),
                options: item.options.into_iter().map(|option| self.options.number(option)).collect(),
                created_at: item.created_at,
                stock: AtomicI64::new(stock),
                sold: AtomicI64::new(sold),
            });
        }
        self.by_group.insert(group_id, place);
        self.revisions += 1;
        let revision = AtomicU64::new(self.revisions << 32);
        let group = ShelfGroup { group_id, name_key: name_key.into(), revision, items: put.into() };
        if let Some(slot) = self.groups.get_mut(place) {
            *slot = Some(group);
        }
    }

    /// Empties the place of a group. A group that comes back gets the place again.
    pub(super) fn remove(&mut self, group_id: ProductId) {
        let Some(place) = self.by_group.get(&group_id).copied() else { return };
        self.forget_products(place);
        if let Some(slot) = self.groups.get_mut(place) {
            *slot = None;
        }
    }

    /// Sets the units of a product. Returns true when they were others.
    pub(super) fn set_units(&self, id: ProductId, units: Units) -> bool {
        let Some(group) = self.place_of_product(id).and_then(|place| self.group(place)) else { return false };
        let Some(item) = group.items.iter().find(|item| item.product_id == id) else { return false };
        let was = Units {
            stock: item.stock.swap(units.stock, Ordering::Relaxed),
            sold: item.sold.swap(units.sold, Ordering::Relaxed),
        };
        if was == units {
            return false;
        }
        group.revision.fetch_add(1, Ordering::Release);
        true
    }

    /// A product may have moved to another group already, which keeps it.
    fn forget_products(&mut self, place: usize) {
        let Some(group) = self.groups.get(place).and_then(Option::as_ref) else { return };
        for item in &group.items {
            if self.by_product.get(&item.product_id) == Some(&place) {
                self.by_product.remove(&item.product_id);
            }
        }
    }
}

/// Texts with numbers, so that many products share each.
#[derive(Debug)]
pub(super) struct Labels<T> {
    labels: Vec<T>,
    numbers: HashMap<T, usize>,
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

    pub(super) fn find(&self, label: &T) -> Option<usize> {
        self.numbers.get(label).copied()
    }

    fn number(&mut self, label: T) -> usize {
        if let Some(number) = self.numbers.get(&label) {
            return *number;
        }
        let number = self.labels.len();
        self.labels.push(label.clone());
        self.numbers.insert(label, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    fn id(number: i64) -> ProductId {
        ProductId::new(number).unwrap()
    }

    fn entry(group: i64, products: &[i64]) -> ShelfEntry {
        let items = products.iter().map(|product| EntryItem {
            product_id: id(*product),
            version: 1,
            price: 100,
            category_id: CategoryId::new(1).unwrap(),
            brand: Some("Ostra".to_owned()),
            options: Vec::new(),
            created_at: 0,
        });
        ShelfEntry { group_id: id(group), name_key: "pan".to_owned(), items: items.collect() }
    }

    fn put(shelf: &mut Shelf, group: i64, products: &[i64]) {
        let place = shelf.place_for(id(group));
        shelf.put(place, entry(group, products), |_| Units { stock: 3, sold: 0 });
    }

    #[test]
    fn a_product_is_where_it_was_put_last() {
        let mut shelf = Shelf::default();
        put(&mut shelf, 1, &[1, 2]);
        put(&mut shelf, 3, &[3, 2]);
        put(&mut shelf, 1, &[1]);
        assert_eq!(shelf.known(id(2)), Some(Known { group_id: id(3), version: 1 }));
        assert_eq!(shelf.products(), 3);
        shelf.remove(id(3));
        assert_eq!((shelf.known(id(2)), shelf.known(id(3)), shelf.products()), (None, None, 1));
        put(&mut shelf, 3, &[2]);
        assert_eq!(shelf.len(), 2);
        assert_eq!(shelf.brands.len(), 1);
    }

    #[test]
    fn a_revision_grows_with_each_change() {
        let mut shelf = Shelf::default();
        put(&mut shelf, 1, &[1]);
        let revision = |shelf: &Shelf| shelf.group(0).unwrap().revision.load(Ordering::Acquire);
        let first = revision(&shelf);
        assert!(!shelf.set_units(id(1), Units { stock: 3, sold: 0 }));
        assert_eq!(revision(&shelf), first);
        assert!(shelf.set_units(id(1), Units { stock: 2, sold: 0 }));
        let moved = revision(&shelf);
        assert!(moved > first);
        put(&mut shelf, 1, &[1]);
        assert!(revision(&shelf) > moved);
        assert!(!shelf.set_units(id(9), Units { stock: 2, sold: 0 }));
    }
}
