//! One pass over the shelf: which groups match a filter, what the facets count, and in which order a list shows them.
//!
//! Each facet ignores the filter of its own kind. So a product that fails one kind only still counts for the facet of that
//! kind, and one pass counts them all. Most groups are decided by what their variants have in common, without looking at each.

use std::{cmp::Reverse, collections::BinaryHeap};

use souk_values::{Currency, ProductId};

use super::{
    Epoch,
    arena::wide,
    counts::{BRAND, CATEGORY, Counts, FIRST_OPTION, PRICE, STOCK},
    matching::Matches,
    shelf::{Item, Shelf, ShelfGroup},
};
use crate::{
    category::CategoryTree,
    store::{Facets, Filter, Sort},
};

/// Result of a pass.
#[derive(Debug)]
pub(super) struct Findings {
    /// Number of matching groups.
    pub total: u64,
    /// The first places of the list, as many as were wanted.
    pub places: Vec<usize>,
    /// Empty unless they were wanted.
    pub facets: Facets,
    /// The query as it was understood, when a word occurs only with typos.
    pub corrected: Option<String>,
}

/// Extent of a pass: the state of the catalogue, the order of the list, the length that is wanted, and whether facets are
/// counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Changes that the pass has seen at least.
    pub epoch: Epoch,
    pub sort: Sort,
    /// Number of groups at the beginning of the list that are wanted.
    pub depth: usize,
    pub with_facets: bool,
}

/// Some of the labels of a kind.
struct Chosen(Vec<bool>);

impl Chosen {
    fn new(labels: usize, numbers: impl Iterator<Item = u32>) -> Self {
        let mut chosen = vec![false; labels];
        for number in numbers {
            if let Some(is_chosen) = chosen.get_mut(wide(number)) {
                *is_chosen = true;
            }
        }
        Self(chosen)
    }

    fn has(&self, number: u32) -> bool {
        self.0.get(wide(number)).copied().unwrap_or(false)
    }
}

/// A filter with the numbers that the shelf has for its names.
pub(super) struct Wanted {
    /// True when nothing is filtered.
    is_everything: bool,
    categories: Option<Chosen>,
    min_price: Option<i64>,
    max_price: Option<i64>,
    in_stock: Option<bool>,
    brands: Option<Chosen>,
    /// Values of each option of which a product must have one.
    options: Vec<(String, Chosen)>,
}

/// Sort keys of a list, of the matching variants of a group.
#[derive(Debug, Clone, Copy)]
struct Found {
    place: usize,
    group_id: ProductId,
    worth: u32,
    is_in_stock: bool,
    sold: i64,
    lowest: i64,
    highest: i64,
    /// `None`: that of all variants.
    newest: Option<i64>,
}

const fn bit_if(is_failed: bool, kind: u32) -> u32 {
    if is_failed { kind } else { 0 }
}

impl Wanted {
    pub(super) fn new(filter: &Filter, shelf: &Shelf, tree: &CategoryTree) -> Self {
        let categories = filter.category.as_deref().map(|named| {
            let inside = tree.named(named).map(|category| tree.with_descendants(category.category_id));
            let numbers = inside.iter().flatten().filter_map(|category| shelf.categories.find(category));
            Chosen::new(shelf.categories.len(), numbers)
        });
        let brands = (!filter.brands.is_empty()).then(|| {
            Chosen::new(shelf.brands.len(), filter.brands.iter().filter_map(|brand| shelf.brands.find(brand)))
        });
        let options = filter.options.iter().map(|(name, values)| {
            let numbers = (0..).zip(shelf.options.iter());
            let numbers = numbers.filter(|(_, option)| option.name == *name && values.contains(&option.value));
            (name.clone(), Chosen::new(shelf.options.len(), numbers.map(|(number, _)| number)))
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

    /// Returns the kinds of filters that every variant of a group fails; `None` when they may differ in that, or in what the
    /// facets count.
    fn failed_by_all(&self, group: &ShelfGroup) -> Option<u32> {
        if !group.is_alike {
            return None;
        }
        if self.is_everything {
            return Some(0);
        }
        let (category, brand) = (group.category.number(), group.brand.number());
        let is_inside = |inside: &Chosen| category.is_some_and(|category| inside.has(category));
        let is_elsewhere = self.categories.as_ref().is_some_and(|inside| !is_inside(inside));
        let mut failed = bit_if(is_elsewhere, CATEGORY) | bit_if(self.is_other_brand(brand), BRAND);
        let is_outside = self.min_price.is_some_and(|min| group.highest < min)
            || self.max_price.is_some_and(|max| group.lowest > max);
        let is_partly_outside = self.is_other_price(group.lowest) || self.is_other_price(group.highest);
        if !self.options.is_empty() || is_partly_outside && !is_outside {
            return None;
        }
        failed |= bit_if(is_outside, PRICE);
        if let Some(wanted) = self.in_stock {
            let with_stock = group.with_stock();
            if with_stock != 0 && with_stock != group.len() {
                return None;
            }
            failed |= bit_if((with_stock > 0) != wanted, STOCK);
        }
        Some(failed)
    }

    /// Returns the kinds of filters that a variant fails; 0 when it matches.
    fn failed(&self, item: &Item, options: &[u32]) -> u32 {
        if self.is_everything {
            return 0;
        }
        let is_elsewhere = self.categories.as_ref().is_some_and(|inside| !inside.has(item.category));
        let is_other_stock = self.in_stock.is_some_and(|wanted| (item.units().stock > 0) != wanted);
        let mut failed = bit_if(is_elsewhere, CATEGORY)
            | bit_if(self.is_other_price(item.price), PRICE)
            | bit_if(is_other_stock, STOCK)
            | bit_if(self.is_other_brand(item.brand), BRAND);
        for (bit, (_, wanted)) in (FIRST_OPTION..).zip(&self.options) {
            failed |= bit_if(!options.iter().any(|option| wanted.has(*option)), 1 << bit);
        }
        failed
    }

    fn is_other_price(&self, price: i64) -> bool {
        self.min_price.is_some_and(|min| price < min) || self.max_price.is_some_and(|max| price > max)
    }

    fn is_other_brand(&self, brand: Option<u32>) -> bool {
        self.brands.as_ref().is_some_and(|wanted| !brand.is_some_and(|brand| wanted.has(brand)))
    }

    /// Returns the bit of an option's filter; 0 when the option is not filtered.
    pub(super) fn kind_of_option(&self, name: &str) -> u32 {
        (FIRST_OPTION..).zip(&self.options).find(|(_, (filtered, _))| filtered == name).map_or(0, |(bit, _)| 1 << bit)
    }

    /// Returns true when this variant of the group at a place matches.
    pub(super) fn takes(&self, goods: &Shelf, place: usize, item: &Item) -> bool {
        self.failed(item, goods.options_of(place, item)) == 0
    }
}

/// Makes a list of the first groups, and counts for the facets. `matches` are the groups in which the words of the query
/// occur, with their worth; `None` without words.
pub(super) fn run(
    shelf: &Shelf,
    tree: &CategoryTree,
    wanted: &Wanted,
    matches: Option<&Matches>,
    scope: Scope,
    currency: Currency,
) -> Findings {
    let counts = scope.with_facets.then(|| Counts::new(shelf, wanted));
    let mut pass = Pass { shelf, wanted, matches, counts, failed: Vec::new(), total: 0 };
    let places = pass.places(scope.sort, scope.depth);
    Findings {
        total: pass.total,
        places,
        facets: pass.counts.map(|counts| counts.facets(tree, currency)).unwrap_or_default(),
        corrected: matches.and_then(|matches| matches.corrected.clone()),
    }
}

struct Pass<'s> {
    shelf: &'s Shelf,
    wanted: &'s Wanted,
    matches: Option<&'s Matches>,
    counts: Option<Counts<'s>>,
    /// Of each variant of the current group.
    failed: Vec<u32>,
    total: u64,
}

impl<'s> Pass<'s> {
    /// Every order ends with the id, so that pages neither repeat nor miss a group.
    fn places(&mut self, sort: Sort, depth: usize) -> Vec<usize> {
        let goods = self.shelf;
        let id = |found: &Found| found.group_id;
        match sort {
            Sort::Relevance => self.first_worth(self.needed_worth(depth), depth, |found| {
                (Reverse(found.worth), !found.is_in_stock, Reverse(found.sold), Reverse(id(found)))
            }),
            Sort::Price => self.first(depth, |found| (found.lowest, id(found))),
            Sort::PriceDown => self.first(depth, |found| (Reverse(found.highest), Reverse(id(found)))),
            Sort::Name => self.first(depth, |found| (goods.name_key(found.place), id(found))),
            Sort::Newest => self.first(depth, |found| {
                let newest = found.newest.unwrap_or_else(|| goods.newest(found.place));
                (Reverse(newest), Reverse(id(found)))
            }),
            // For admins, who read the store.
            Sort::Stock | Sort::StockDown => self.first(depth, id),
        }
    }

    /// Looks at every group, and returns the places of the `depth` matching ones that are least by `key`, in their order. Begins
    /// with the groups that came last: most orders prefer them among equals, so that few of the others get into the heap.
    fn first<K: Ord>(&mut self, depth: usize, key: impl Fn(&Found) -> K) -> Vec<usize> {
        self.first_worth(0, depth, key)
    }

    /// Returns the worth below which a match gets into no list of `depth` groups by relevance, when nothing else has to be known
    /// of it.
    fn needed_worth(&self, depth: usize) -> u32 {
        let is_counted = self.counts.is_some() || !self.wanted.is_everything;
        self.matches.filter(|_| !is_counted).map_or(0, |matches| matches.worth_of_best(depth))
    }

    /// Does not look at matches that are worth less than `needed`, which are many and whose groups are far from each other in
    /// memory.
    fn first_worth<K: Ord>(&mut self, needed: u32, depth: usize, key: impl Fn(&Found) -> K) -> Vec<usize> {
        let mut least = Least::new(depth);
        let (goods, matches, mut passed_over) = (self.shelf, self.matches, 0);
        let mut look_at = |place, worth, group| {
            if let Some(found) = self.look_at(place, worth, group) {
                self.total += 1;
                least.offer(key(&found), place);
            }
        };
        match matches {
            Some(matches) => {
                for block in matches.blocks() {
                    goods.load(block.clone().filter(|(_, worth)| *worth >= needed).map(|(place, _)| place));
                    for (place, worth) in block {
                        if worth < needed {
                            passed_over += 1;
                        } else if let Some(group) = goods.group(place) {
                            look_at(place, worth, group);
                        }
                    }
                }
            }
            None => goods.groups().rev().for_each(|(place, group)| look_at(place, 0, group)),
        }
        self.total += passed_over;
        least.into_places()
    }

    /// Counts the group at a place. Returns it when it matches.
    fn look_at(&mut self, place: usize, worth: u32, group: &'s ShelfGroup) -> Option<Found> {
        if let Some(failed) = self.wanted.failed_by_all(group) {
            if let Some(counts) = &mut self.counts {
                counts.count_alike(group, failed);
            }
            return (failed == 0).then(|| Found {
                place,
                group_id: group.group_id,
                worth,
                is_in_stock: group.with_stock() > 0,
                sold: group.sold(),
                lowest: group.lowest,
                highest: group.highest,
                newest: None,
            });
        }
        let items = self.shelf.items(group);
        self.failed.clear();
        self.failed.extend(items.iter().map(|item| self.wanted.failed(item, self.shelf.options_of(place, item))));
        if let Some(counts) = &mut self.counts {
            counts.count_each(place, group, &self.failed);
        }
        let matching = items.iter().zip(&self.failed).filter(|(_, failed)| **failed == 0).map(|(item, _)| item);
        summed(place, worth, group, matching)
    }
}

/// Returns what the matching variants of a group have in common; `None` when there are none.
fn summed<'s>(
    place: usize,
    worth: u32,
    group: &ShelfGroup,
    mut matching: impl Iterator<Item = &'s Item>,
) -> Option<Found> {
    let first = matching.next()?;
    let units = first.units();
    let mut newest = first.created_at;
    let mut found = Found {
        place,
        group_id: group.group_id,
        worth,
        is_in_stock: units.stock > 0,
        sold: units.sold,
        lowest: first.price,
        highest: first.price,
        newest: None,
    };
    for item in matching {
        let units = item.units();
        found.is_in_stock |= units.stock > 0;
        found.sold = found.sold.saturating_add(units.sold);
        found.lowest = found.lowest.min(item.price);
        found.highest = found.highest.max(item.price);
        newest = newest.max(item.created_at);
    }
    Some(Found { newest: Some(newest), ..found })
}

/// The places with the least keys of all that were offered.
struct Least<K> {
    depth: usize,
    heap: BinaryHeap<(K, usize)>,
}

impl<K: Ord> Least<K> {
    const fn new(depth: usize) -> Self {
        Self { depth, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, key: K, place: usize) {
        if self.heap.len() < self.depth {
            self.heap.push((key, place));
        } else if let Some(mut greatest) = self.heap.peek_mut()
            && key < greatest.0
        {
            *greatest = (key, place);
        }
    }

    fn into_places(self) -> Vec<usize> {
        self.heap.into_sorted_vec().into_iter().map(|(_, place)| place).collect()
    }
}
