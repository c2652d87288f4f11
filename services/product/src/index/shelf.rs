//! The shelf: what lists filter, sort and count by, of every visible product, in memory.
//!
//! A group is a summary that most passes need alone, in one line of the processor's cache; what few of them need lies beside
//! it, and its variants and options in [arenas](Arena). Stock and sold units change with every order, so they are atomics:
//! orders move while lists are made.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
};

use souk_values::{CategoryId, ProductId};

use super::{
    arena::{Arena, Span, wide},
    entry::ShelfEntry,
    labels::Labels,
    units::{SharedUnits, Units},
    words,
};
use crate::variant::ProductOption;

/// Sets of options of which a shelf does not care how many are in use.
const MIN_SETS: usize = 1_000;

/// Label of one kind, such as the brand, of the variants of a group: the number of the one that all have, none, or different
/// ones. Four bytes instead of the eight of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Common(u32);

impl Common {
    const NONE: Self = Self(u32::MAX);
    const DIFFERENT: Self = Self(u32::MAX - 1);

    /// `labels` are those of all variants.
    fn of(mut labels: impl Iterator<Item = Option<u32>>) -> Self {
        let first = labels.next().flatten();
        if labels.any(|label| label != first) {
            return Self::DIFFERENT;
        }
        first.map_or(Self::NONE, Self)
    }

    /// Returns the number of the label that all variants have.
    pub(super) fn number(self) -> Option<u32> {
        (self != Self::NONE && self != Self::DIFFERENT).then_some(self.0)
    }
}

/// A group of variants on the shelf, with what they have in common.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct ShelfGroup {
    pub group_id: ProductId,
    /// Prices in minor units.
    pub lowest: i64,
    pub highest: i64,
    sold: AtomicI64,
    items: Span,
    /// Number of the set of its variants' options: few groups have a set of their own.
    pub option_set: u32,
    /// Number of variants with stock.
    with_stock: AtomicU32,
    pub category: Common,
    pub brand: Common,
    /// True when the variants have the same category, and the same brand or none.
    pub is_alike: bool,
}

// One line of the cache, with its absence.
const _: () = assert!(size_of::<Option<ShelfGroup>>() == 64);

/// The parts of a group that few passes need.
#[derive(Debug, Default)]
struct More {
    /// Grows with every change of one of the group's products, so that what was prepared of it is known to be old.
    revision: AtomicU64,
    /// Time of its newest variant in milliseconds since 1970.
    newest: i64,
    /// The options of each variant, one variant after the other.
    item_options: Span,
    name_key: Box<str>,
}

impl ShelfGroup {
    /// Number of variants.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Number of variants with stock.
    pub(super) fn with_stock(&self) -> usize {
        wide(self.with_stock.load(Ordering::Relaxed))
    }

    /// Units sold of all variants.
    pub(super) fn sold(&self) -> i64 {
        self.sold.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub product_id: ProductId,
    pub version: i64,
    pub price: i64,
    pub created_at: i64,
    /// Number of the category's label.
    pub category: u32,
    /// Number of the brand's label.
    pub brand: Option<u32>,
    /// Within the options of all variants of the group.
    options: Span,
    units: SharedUnits,
}

impl Item {
    pub(super) fn units(&self) -> Units {
        self.units.get()
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
    /// By the same places.
    more: Vec<More>,
    items: Arena<Item>,
    /// Numbers of options.
    item_options: Arena<u32>,
    by_group: HashMap<ProductId, usize>,
    by_product: HashMap<ProductId, usize>,
    pub categories: Labels<CategoryId>,
    pub brands: Labels<String>,
    /// Folded words of each brand, by its number.
    brand_words: Vec<Vec<String>>,
    pub options: Labels<ProductOption>,
    /// Numbers of options that a group has, each once.
    pub option_sets: Labels<Box<[u32]>>,
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

    /// Loads the groups at some places into the processor's cache, all at the same time. A pass that decides about each before it
    /// reads the next waits for the memory each time.
    pub(super) fn load(&self, places: impl Iterator<Item = usize>) {
        let prices = places.map(|place| self.group(place).map_or(0, |group| group.lowest));
        std::hint::black_box(prices.fold(0, |sum, price| sum ^ price));
    }

    /// Returns all groups with their places.
    pub(super) fn groups(&self) -> impl DoubleEndedIterator<Item = (usize, &ShelfGroup)> {
        self.groups.iter().enumerate().filter_map(|(place, group)| Some((place, group.as_ref()?)))
    }

    /// Returns the variants of a group.
    pub(super) fn items(&self, group: &ShelfGroup) -> &[Item] {
        self.items.get(group.items)
    }

    /// Returns the numbers of the options of a variant of the group at a place.
    pub(super) fn options_of(&self, place: usize, item: &Item) -> &[u32] {
        let options = self.more.get(place).map(|more| self.item_options.get(more.item_options));
        options.and_then(|options| options.get(item.options.range())).unwrap_or_default()
    }

    /// Returns the folded name of the group at a place, by which lists are sorted.
    pub(super) fn name_key(&self, place: usize) -> &str {
        self.more.get(place).map_or("", |more| &more.name_key)
    }

    /// Returns the time of the newest variant at a place, in milliseconds since 1970.
    pub(super) fn newest(&self, place: usize) -> i64 {
        self.more.get(place).map_or(0, |more| more.newest)
    }

    /// Returns a number that grows with every change of the group at a place; `None` when there is no group.
    pub(super) fn revision(&self, place: usize) -> Option<u64> {
        let more = self.group(place).and_then(|_| self.more.get(place))?;
        Some(more.revision.load(Ordering::Acquire))
    }

    /// Returns the brands with their folded words.
    pub(super) fn brands_with_words(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.brands.iter().zip(&self.brand_words)
    }

    pub(super) fn place_of_product(&self, id: ProductId) -> Option<usize> {
        self.by_product.get(&id).copied()
    }

    /// Returns the units of a product; `None` when it is not on the shelf.
    pub(super) fn units(&self, id: ProductId) -> Option<Units> {
        self.find(id).map(|(_, _, item)| item.units())
    }

    pub(super) fn all_units(&self) -> impl Iterator<Item = (ProductId, Units)> {
        let groups = self.groups.iter().flatten();
        groups.flat_map(|group| self.items(group)).map(|item| (item.product_id, item.units()))
    }

    pub(super) fn product_ids(&self) -> impl Iterator<Item = ProductId> {
        self.by_product.keys().copied()
    }

    pub(super) fn known(&self, id: ProductId) -> Option<Known> {
        self.find(id).map(|(_, group, item)| Known { group_id: group.group_id, version: item.version })
    }

    fn find(&self, id: ProductId) -> Option<(usize, &ShelfGroup, &Item)> {
        let place = self.place_of_product(id)?;
        let group = self.group(place)?;
        self.items(group).iter().find(|item| item.product_id == id).map(|item| (place, group, item))
    }

    /// Returns the place that a group has or will get.
    pub(super) fn place_for(&mut self, group_id: ProductId) -> usize {
        if let Some(place) = self.by_group.get(&group_id) {
            return *place;
        }
        let place = self.groups.len();
        self.reach(place);
        self.by_group.insert(group_id, place);
        place
    }

    /// Puts a group at its place, instead of what was there.
    pub(super) fn put(&mut self, place: usize, entry: ShelfEntry, units: impl Fn(ProductId) -> Units) {
        let ShelfEntry { group_id, name_key, items } = entry;
        let old = self.take(place);
        self.reach(place);
        let (mut put, mut item_options) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            self.by_product.insert(item.product_id, place);
            let before = item_options.len();
            item_options.extend(item.options.into_iter().map(|option| self.options.number(option)));
            put.push(Item {
                product_id: item.product_id,
                version: item.version,
                price: item.price,
                created_at: item.created_at,
                category: self.categories.number(item.category_id),
                brand: item.brand.map(|brand| self.brand(brand)),
                options: Span::new(before, item_options.len() - before),
                units: SharedUnits::new(units(item.product_id)),
            });
        }
        self.by_group.insert(group_id, place);
        self.revisions += 1;
        let mut options = item_options.clone();
        options.sort_unstable();
        options.dedup();
        let in_stock = put.iter().filter(|item| item.units().stock > 0).count();
        let old = old.unwrap_or_default();
        let category = Common::of(put.iter().map(|item| Some(item.category)));
        let brand = Common::of(put.iter().map(|item| item.brand));
        let more = More {
            revision: AtomicU64::new(self.revisions << 32),
            newest: put.iter().map(|item| item.created_at).max().unwrap_or(0),
            item_options: self.item_options.put(old.item_options, item_options),
            name_key: name_key.into(),
        };
        let group = ShelfGroup {
            group_id,
            lowest: put.iter().map(|item| item.price).min().unwrap_or(0),
            highest: put.iter().map(|item| item.price).max().unwrap_or(0),
            sold: AtomicI64::new(put.iter().fold(0, |sum, item| item.units().sold.saturating_add(sum))),
            with_stock: AtomicU32::new(u32::try_from(in_stock).unwrap_or(u32::MAX)),
            category,
            brand,
            is_alike: category.number().is_some() && brand != Common::DIFFERENT,
            items: self.items.put(old.items, put),
            option_set: self.option_sets.number(options.into()),
        };
        if let (Some(slot), Some(beside)) = (self.groups.get_mut(place), self.more.get_mut(place)) {
            *slot = Some(group);
            *beside = more;
        }
        self.tidy();
    }

    /// Empties the place of a group. A group that comes back gets the place again.
    pub(super) fn remove(&mut self, group_id: ProductId) {
        let Some(place) = self.by_group.get(&group_id).copied() else { return };
        let Spans { items, item_options } = self.take(place).unwrap_or_default();
        self.items.abandon(items);
        self.item_options.abandon(item_options);
        self.tidy();
    }

    /// Sets the units of a product. Returns true when they were others.
    pub(super) fn set_units(&self, id: ProductId, units: Units) -> bool {
        let Some((place, group, item)) = self.find(id) else { return false };
        let was = item.units.replace(units);
        if was == units {
            return false;
        }
        group.sold.fetch_add(units.sold.wrapping_sub(was.sold), Ordering::Relaxed);
        match (was.stock > 0, units.stock > 0) {
            (false, true) => group.with_stock.fetch_add(1, Ordering::Relaxed),
            (true, false) => group.with_stock.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        if let Some(more) = self.more.get(place) {
            more.revision.fetch_add(1, Ordering::Release);
        }
        true
    }

    /// Makes places up to this one, which are empty.
    fn reach(&mut self, place: usize) {
        while self.groups.len() <= place {
            self.groups.push(None);
            self.more.push(More::default());
        }
    }

    fn brand(&mut self, name: String) -> u32 {
        let number = self.brands.number(name);
        // A new one is the last.
        if self.brand_words.len() < self.brands.len() {
            let words = self.brands.get(number).map(|name| words::of_text(name));
            self.brand_words.push(words.unwrap_or_default());
        }
        number
    }

    /// Takes the group from a place, and returns the spans that it leaves. A product that has moved to another group already
    /// stays there.
    fn take(&mut self, place: usize) -> Option<Spans> {
        let group = self.groups.get_mut(place).and_then(Option::take)?;
        let more = self.more.get_mut(place).map(std::mem::take).unwrap_or_default();
        for item in self.items.get(group.items) {
            if self.by_product.get(&item.product_id) == Some(&place) {
                self.by_product.remove(&item.product_id);
            }
        }
        Some(Spans { items: group.items, item_options: more.item_options })
    }

    /// Gives the memory of groups back that have left or grown.
    fn tidy(&mut self) {
        if self.items.is_wasteful() {
            self.items.tidy(self.groups.iter_mut().flatten().map(|group| &mut group.items));
        }
        if self.item_options.is_wasteful() {
            self.item_options.tidy(self.more.iter_mut().map(|more| &mut more.item_options));
        }
        // Edits may have left more sets without a group than there are groups.
        if self.option_sets.len() > 2 * self.groups.len().max(MIN_SETS) {
            let sets = std::mem::take(&mut self.option_sets);
            for group in self.groups.iter_mut().flatten() {
                let set = sets.get(group.option_set).cloned().unwrap_or_default();
                group.option_set = self.option_sets.number(set);
            }
        }
    }
}

/// Spans that a group leaves.
#[derive(Debug, Clone, Copy, Default)]
struct Spans {
    items: Span,
    item_options: Span,
}

#[cfg(test)]
mod tests;
