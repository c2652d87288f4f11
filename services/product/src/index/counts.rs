//! Counts of a pass, for the facets.

use std::collections::BTreeMap;

use souk_values::{Currency, Money};

use super::{
    arena::wide,
    pass::Wanted,
    shelf::{Shelf, ShelfGroup},
};
use crate::{
    category::CategoryTree,
    store::{CategoryCount, Facets, MAX_BRANDS, MAX_OPTION_VALUES, OptionCount},
};

// Kinds of filters that a product may fail, as bits; each filtered option is one more.
pub(super) const CATEGORY: u32 = 1;
pub(super) const PRICE: u32 = 1 << 1;
pub(super) const STOCK: u32 = 1 << 2;
pub(super) const BRAND: u32 = 1 << 3;
pub(super) const FIRST_OPTION: u32 = 4;

/// Counts of a pass.
pub(super) struct Counts<'s> {
    shelf: &'s Shelf,
    /// The bit of each option's filter, by the number of the option.
    kinds: Vec<u32>,
    /// Counts of each kind by the numbers of its labels.
    categories: Vec<u64>,
    brands: Vec<u64>,
    options: Vec<u64>,
    /// Groups whose variants all match, by the numbers of their sets of options.
    option_sets: Vec<u64>,
    prices: Option<(i64, i64)>,
    in_stock: u64,
    /// Labels already counted of the current group: a group counts once, however many of its variants match.
    seen_categories: Vec<u32>,
    seen_brands: Vec<u32>,
    seen_options: Vec<u32>,
}

impl<'s> Counts<'s> {
    pub(super) fn new(shelf: &'s Shelf, wanted: &Wanted) -> Self {
        Self {
            shelf,
            kinds: shelf.options.iter().map(|option| wanted.kind_of_option(&option.name)).collect(),
            categories: vec![0; shelf.categories.len()],
            brands: vec![0; shelf.brands.len()],
            options: vec![0; shelf.options.len()],
            option_sets: vec![0; shelf.option_sets.len()],
            prices: None,
            in_stock: 0,
            seen_categories: Vec::new(),
            seen_brands: Vec::new(),
            seen_options: Vec::new(),
        }
    }

    /// Counts a group whose variants all fail the same, and have one category and one brand at most.
    pub(super) fn count_alike(&mut self, group: &ShelfGroup, failed: u32) {
        if failed & !CATEGORY == 0
            && let Some(category) = group.category.number()
        {
            add(&mut self.categories, category, 1);
        }
        if failed & !PRICE == 0 {
            self.include_prices(group.lowest, group.highest);
        }
        self.in_stock += u64::from(failed & !STOCK == 0 && group.with_stock() > 0);
        if failed & !BRAND == 0
            && let Some(brand) = group.brand.number()
        {
            add(&mut self.brands, brand, 1);
        }
        if failed == 0 {
            add(&mut self.option_sets, group.option_set, 1);
        }
    }

    /// Counts the group at a place. `failed` holds what each of its variants fails.
    pub(super) fn count_each(&mut self, place: usize, group: &ShelfGroup, failed: &[u32]) {
        self.seen_categories.clear();
        self.seen_brands.clear();
        self.seen_options.clear();
        let mut is_in_stock = false;
        let goods = self.shelf;
        for (item, failed) in goods.items(group).iter().zip(failed) {
            if failed & !CATEGORY == 0 && is_new(&mut self.seen_categories, item.category) {
                add(&mut self.categories, item.category, 1);
            }
            if failed & !PRICE == 0 {
                self.include_prices(item.price, item.price);
            }
            is_in_stock |= failed & !STOCK == 0 && item.units().stock > 0;
            if let Some(brand) = item.brand.filter(|_| failed & !BRAND == 0)
                && is_new(&mut self.seen_brands, brand)
            {
                add(&mut self.brands, brand, 1);
            }
            for option in goods.options_of(place, item) {
                let kind = self.kinds.get(wide(*option)).copied().unwrap_or(0);
                if failed & !kind == 0 && is_new(&mut self.seen_options, *option) {
                    add(&mut self.options, *option, 1);
                }
            }
        }
        self.in_stock += u64::from(is_in_stock);
    }

    fn include_prices(&mut self, low: i64, high: i64) {
        let (lowest, highest) = self.prices.unwrap_or((low, high));
        self.prices = Some((lowest.min(low), highest.max(high)));
    }

    pub(super) fn facets(mut self, tree: &CategoryTree, currency: Currency) -> Facets {
        let counted = self.shelf.categories.iter().zip(&self.categories).filter(|(_, count)| **count > 0);
        let sums = tree.summed(&counted.map(|(category, count)| (*category, *count)).collect());
        let categories = tree.nodes().iter().filter_map(|category| {
            let count = sums.get(&category.category_id).copied()?;
            Some(CategoryCount { category: category.clone(), count })
        });
        let money = |minor| Money::new(minor, currency);
        let brands = self.shelf.brands.iter().zip(&self.brands).filter(|(_, count)| **count > 0);
        let mut brands: Vec<(&String, u64)> = brands.map(|(brand, count)| (brand, *count)).collect();
        brands.sort_unstable_by(|(left, many), (right, more)| more.cmp(many).then_with(|| left.cmp(right)));
        brands.truncate(MAX_BRANDS);
        for (set, count) in self.shelf.option_sets.iter().zip(&self.option_sets).filter(|(_, count)| **count > 0) {
            set.iter().for_each(|option| add(&mut self.options, *option, *count));
        }
        let mut options: BTreeMap<&str, Vec<(String, u64)>> = BTreeMap::new();
        for (option, count) in self.shelf.options.iter().zip(&self.options).filter(|(_, count)| **count > 0) {
            options.entry(&option.name).or_default().push((option.value.clone(), *count));
        }
        Facets {
            categories: categories.collect(),
            prices: self.prices.map(|(lowest, highest)| (money(lowest), money(highest))),
            in_stock: self.in_stock,
            brands: brands.into_iter().map(|(brand, count)| (brand.clone(), count)).collect(),
            options: options
                .into_iter()
                .map(|(name, values)| OptionCount::new(name, values, MAX_OPTION_VALUES))
                .collect(),
        }
    }
}

fn add(counts: &mut [u64], number: u32, groups: u64) {
    if let Some(count) = counts.get_mut(wide(number)) {
        *count += groups;
    }
}

/// Notes a label. Returns true the first time.
fn is_new(seen: &mut Vec<u32>, number: u32) -> bool {
    let is_new = !seen.contains(&number);
    if is_new {
        seen.push(number);
    }
    is_new
}
