//! One pass over the shelf: which groups match a filter, what the facets count, and in which order a list shows them.
//!
//! Each facet ignores the filter of its own kind. So a product that fails one kind only still counts for the facet of that
//! kind, and one pass counts them all.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use souk_values::{CategoryId, Currency, Money, ProductId};

use super::{
    matching::Matches,
    shelf::{Item, Shelf, ShelfGroup},
};
use crate::{
    category::CategoryTree,
    store::{CategoryCount, Facets, Filter, MAX_BRANDS, MAX_OPTION_VALUES, OptionCount, Sort},
};

// Kinds of filters that a product may fail, as bits; each filtered option is one more.
const CATEGORY: u32 = 1;
const PRICE: u32 = 1 << 1;
const STOCK: u32 = 1 << 2;
const BRAND: u32 = 1 << 3;
const FIRST_OPTION: u32 = 4;

/// Result of a pass.
#[derive(Debug)]
pub(super) struct Findings {
    /// Number of matching groups.
    pub total: u64,
    /// The first places of the list, as many as were wanted.
    pub places: Vec<usize>,
    pub facets: Facets,
    /// The query as it was understood, when a word occurs only with typos.
    pub corrected: Option<String>,
}

/// A filter with the numbers that the shelf has for its names.
pub(super) struct Wanted {
    /// True when nothing is filtered.
    is_everything: bool,
    categories: Option<BTreeSet<CategoryId>>,
    min_price: Option<i64>,
    max_price: Option<i64>,
    in_stock: Option<bool>,
    brands: Option<Vec<usize>>,
    /// Values of each option of which a product must have one.
    options: Vec<(String, Vec<usize>)>,
}

/// Sort keys of a list, of the matching variants of a group.
#[derive(Debug, Clone, Copy)]
struct Found {
    place: usize,
    worth: u32,
    is_in_stock: bool,
    sold: i64,
    lowest: i64,
    highest: i64,
    newest: i64,
}

impl Wanted {
    pub(super) fn new(filter: &Filter, shelf: &Shelf, tree: &CategoryTree) -> Self {
        let categories = filter.category.as_deref().map(|named| {
            tree.named(named).map(|category| tree.with_descendants(category.category_id)).unwrap_or_default()
        });
        let brands = (!filter.brands.is_empty())
            .then(|| filter.brands.iter().filter_map(|brand| shelf.brands.find(brand)).collect());
        let options = filter.options.iter().map(|(name, values)| {
            let numbers = shelf
                .options
                .iter()
                .enumerate()
                .filter(|(_, option)| option.name == *name && values.contains(&option.value));
            (name.clone(), numbers.map(|(number, _)| number).collect())
        });
        Self {
            is_everything: filter.has_words_alone(),
            categories,
            min_price: filter.min_price,
            max_price: filter.max_price,
            in_stock: filter.in_stock,
            brands,
            options: options.collect(),
        }
    }

    /// Returns the kinds of filters that a product fails; 0 when it matches.
    fn failed(&self, item: &Item) -> u32 {
        if self.is_everything {
            return 0;
        }
        let fails = |is_failed: bool, kind: u32| if is_failed { kind } else { 0 };
        let is_elsewhere = self.categories.as_ref().is_some_and(|inside| !inside.contains(&item.category_id));
        let is_other_price =
            self.min_price.is_some_and(|min| item.price < min) || self.max_price.is_some_and(|max| item.price > max);
        let is_other_stock = self.in_stock.is_some_and(|wanted| (item.units().stock > 0) != wanted);
        let is_other_brand =
            self.brands.as_ref().is_some_and(|wanted| !item.brand.is_some_and(|brand| wanted.contains(&brand)));
        let mut failed = fails(is_elsewhere, CATEGORY)
            | fails(is_other_price, PRICE)
            | fails(is_other_stock, STOCK)
            | fails(is_other_brand, BRAND);
        for (bit, (_, wanted)) in (FIRST_OPTION..).zip(&self.options) {
            failed |= fails(!item.options.iter().any(|option| wanted.contains(option)), 1 << bit);
        }
        failed
    }

    /// Returns the bit of an option's filter; 0 when the option is not filtered.
    fn kind_of_option(&self, name: &str) -> u32 {
        (FIRST_OPTION..).zip(&self.options).find(|(_, (filtered, _))| filtered == name).map_or(0, |(bit, _)| 1 << bit)
    }

    /// Returns true when this product of a group matches.
    pub(super) fn takes(&self, group: &ShelfGroup, id: ProductId) -> bool {
        group.items.iter().any(|item| item.product_id == id && self.failed(item) == 0)
    }
}

/// Counts of a pass.
struct Counts<'s> {
    shelf: &'s Shelf,
    /// The bit of each option's filter, by the number of the option.
    kinds: Vec<u32>,
    categories: BTreeMap<CategoryId, u64>,
    prices: Option<(i64, i64)>,
    in_stock: u64,
    brands: Vec<u64>,
    options: Vec<u64>,
    /// Labels already counted of the current group: a group counts once, however many of its variants match.
    seen_categories: Vec<CategoryId>,
    seen_brands: Vec<usize>,
    seen_options: Vec<usize>,
}

impl<'s> Counts<'s> {
    fn new(shelf: &'s Shelf, wanted: &Wanted) -> Self {
        Self {
            shelf,
            kinds: shelf.options.iter().map(|option| wanted.kind_of_option(&option.name)).collect(),
            categories: BTreeMap::new(),
            prices: None,
            in_stock: 0,
            brands: vec![0; shelf.brands.len()],
            options: vec![0; shelf.options.len()],
            seen_categories: Vec::new(),
            seen_brands: Vec::new(),
            seen_options: Vec::new(),
        }
    }

    /// Counts a group. `failed` holds what each of its variants fails.
    fn count(&mut self, group: &ShelfGroup, failed: &[u32]) {
        self.seen_categories.clear();
        self.seen_brands.clear();
        self.seen_options.clear();
        let mut is_in_stock = false;
        for (item, failed) in group.items.iter().zip(failed) {
            if failed & !CATEGORY == 0 && !self.seen_categories.contains(&item.category_id) {
                self.seen_categories.push(item.category_id);
                *self.categories.entry(item.category_id).or_insert(0) += 1;
            }
            if failed & !PRICE == 0 {
                let (lowest, highest) = self.prices.unwrap_or((item.price, item.price));
                self.prices = Some((lowest.min(item.price), highest.max(item.price)));
            }
            is_in_stock |= failed & !STOCK == 0 && item.units().stock > 0;
            if let Some(brand) = item.brand.filter(|_| failed & !BRAND == 0)
                && !self.seen_brands.contains(&brand)
            {
                self.seen_brands.push(brand);
                add_one(&mut self.brands, brand);
            }
            for option in &item.options {
                let kind = self.kinds.get(*option).copied().unwrap_or(0);
                if failed & !kind == 0 && !self.seen_options.contains(option) {
                    self.seen_options.push(*option);
                    add_one(&mut self.options, *option);
                }
            }
        }
        self.in_stock += u64::from(is_in_stock);
    }

    fn facets(self, tree: &CategoryTree, currency: Currency) -> Facets {
        let sums = tree.summed(&self.categories);
        let categories = tree.nodes().iter().filter_map(|category| {
            let count = sums.get(&category.category_id).copied()?;
            Some(CategoryCount { category: category.clone(), count })
        });
        let money = |minor| Money::new(minor, currency);
        let brands = self.shelf.brands.iter().zip(&self.brands).filter(|(_, count)| **count > 0);
        let mut brands: Vec<(String, u64)> = brands.map(|(brand, count)| (brand.clone(), *count)).collect();
        brands.sort_by(|(left, many), (right, more)| more.cmp(many).then_with(|| left.cmp(right)));
        brands.truncate(MAX_BRANDS);
        let mut options: BTreeMap<&str, Vec<(String, u64)>> = BTreeMap::new();
        for (option, count) in self.shelf.options.iter().zip(&self.options).filter(|(_, count)| **count > 0) {
            options.entry(&option.name).or_default().push((option.value.clone(), *count));
        }
        Facets {
            categories: categories.collect(),
            prices: self.prices.map(|(lowest, highest)| (money(lowest), money(highest))),
            in_stock: self.in_stock,
            brands,
            options: options
                .into_iter()
                .map(|(name, values)| OptionCount::new(name, values, MAX_OPTION_VALUES))
                .collect(),
        }
    }
}

fn add_one(counts: &mut [u64], number: usize) {
    if let Some(count) = counts.get_mut(number) {
        *count += 1;
    }
}

/// Makes a list of the first `depth` groups. `matches` are the groups in which the words of the query occur, with their
/// worth; `None` without words.
pub(super) fn run(
    shelf: &Shelf,
    tree: &CategoryTree,
    wanted: &Wanted,
    matches: Option<Matches>,
    order: (Sort, usize),
    currency: Currency,
) -> Findings {
    let mut counts = Counts::new(shelf, wanted);
    let mut found = Vec::new();
    let mut failed = Vec::new();
    let mut look_at = |place: usize, worth: u32, group: &ShelfGroup| {
        failed.clear();
        failed.extend(group.items.iter().map(|item| wanted.failed(item)));
        counts.count(group, &failed);
        let matching = group.items.iter().zip(&failed).filter(|(_, failed)| **failed == 0).map(|(item, _)| item);
        found.extend(summed(place, worth, matching));
    };
    let mut corrected = None;
    match matches {
        Some(matches) => {
            for (place, worth) in matches.groups {
                if let Some(group) = shelf.group(place) {
                    look_at(place, worth, group);
                }
            }
            corrected = matches.corrected;
        }
        None => shelf.groups().for_each(|(place, group)| look_at(place, 0, group)),
    }
    let (sort, depth) = order;
    Findings {
        total: u64::try_from(found.len()).unwrap_or(u64::MAX),
        places: sorted(shelf, found, sort, depth),
        facets: counts.facets(tree, currency),
        corrected,
    }
}

/// Returns what the matching variants of a group have in common; `None` when there are none.
fn summed<'g>(place: usize, worth: u32, mut matching: impl Iterator<Item = &'g Item>) -> Option<Found> {
    let first = matching.next()?;
    let units = first.units();
    let mut found = Found {
        place,
        worth,
        is_in_stock: units.stock > 0,
        sold: units.sold,
        lowest: first.price,
        highest: first.price,
        newest: first.created_at,
    };
    for item in matching {
        let units = item.units();
        found.is_in_stock |= units.stock > 0;
        found.sold = found.sold.saturating_add(units.sold);
        found.lowest = found.lowest.min(item.price);
        found.highest = found.highest.max(item.price);
        found.newest = found.newest.max(item.created_at);
    }
    Some(found)
}

/// Every order ends with the id, so that pages neither repeat nor miss a group.
fn sorted(shelf: &Shelf, found: Vec<Found>, sort: Sort, depth: usize) -> Vec<usize> {
    let id = |found: &Found| shelf.group(found.place).map(|group| group.group_id);
    let name = |found: &Found| shelf.group(found.place).map(|group| &*group.name_key);
    match sort {
        Sort::Relevance => first(found, depth, |found| {
            (Reverse(found.worth), !found.is_in_stock, Reverse(found.sold), Reverse(id(found)))
        }),
        Sort::Price => first(found, depth, |found| (found.lowest, id(found))),
        Sort::PriceDown => first(found, depth, |found| (Reverse(found.highest), Reverse(id(found)))),
        Sort::Name => first(found, depth, |found| (name(found), id(found))),
        Sort::Newest => first(found, depth, |found| (Reverse(found.newest), Reverse(id(found)))),
        // For admins, who read the store.
        Sort::Stock | Sort::StockDown => first(found, depth, id),
    }
}

/// Returns the places of the `depth` least by `key`, in their order.
fn first<K: Ord>(mut found: Vec<Found>, depth: usize, key: impl Fn(&Found) -> K) -> Vec<usize> {
    if depth < found.len() {
        found.select_nth_unstable_by_key(depth, &key);
        found.truncate(depth);
    }
    found.sort_unstable_by_key(&key);
    found.into_iter().map(|found| found.place).collect()
}
