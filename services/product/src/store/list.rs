//! Lists of products: their filter, their order, their entries, and the facets.

use std::collections::BTreeMap;

use souk_values::Money;
use utoipa::ToSchema;

use crate::{category::Category, group::GroupFacts, product::CatalogueProduct, text};

/// Number of words of a query that count; further ones are ignored.
pub(crate) const MAX_WORDS: usize = 8;

/// Brands in the facets.
pub(crate) const MAX_BRANDS: usize = 50;
/// Values of one option in the facets.
pub(crate) const MAX_OPTION_VALUES: usize = 50;

/// Conditions that all have to hold; `None` and empty ones are no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The query as typed: words, all of which must occur.
    pub query: String,
    /// Slug or id of a category; its descendants are included.
    pub category: Option<String>,
    /// Inclusive, in minor units, as is `max_price`.
    pub min_price: Option<i64>,
    pub max_price: Option<i64>,
    /// True for products with stock, false for products without.
    pub in_stock: Option<bool>,
    /// Exclusive upper bound of the stock.
    pub stock_below: Option<i64>,
    /// Exact names of brands, one of which the product must have; empty for any.
    pub brands: Vec<String>,
    /// Values by the name of an option; of each named option, the product must have one of the values.
    pub options: BTreeMap<String, Vec<String>>,
    /// True for the deleted products instead of the visible ones.
    pub hidden: bool,
}

impl Filter {
    /// Returns true when there is no condition but the words.
    pub(crate) fn has_words_alone(&self) -> bool {
        *self == Self { query: self.query.clone(), ..Self::default() }
    }

    /// Returns the folded words of the query, at most [`MAX_WORDS`].
    pub(super) fn words(&self) -> Vec<String> {
        text::words(&text::fold(&self.query)).into_iter().take(MAX_WORDS).collect()
    }
}

impl OptionCount {
    /// `values` are in no order. Keeps the `max` most frequent ones.
    pub(crate) fn new(name: &str, mut values: Vec<(String, u64)>, max: usize) -> Self {
        values.sort_by(|(left, many), (right, more)| more.cmp(many).then_with(|| left.cmp(right)));
        values.truncate(max);
        values.sort_by(|(left, _), (right, _)| natural(left).cmp(&natural(right)).then_with(|| left.cmp(right)));
        Self { name: name.to_owned(), values }
    }
}

/// Returns a key that sorts `9 cm` before `10 cm`, and both before words.
fn natural(value: &str) -> (u64, String) {
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u64::MAX), text::fold(value))
}

/// What the entries of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entries {
    Products,
    /// One entry for each group of variants of which one matches.
    Groups,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// Names that begin with the words, names that contain them, the rest; within each, the most sold first.
    Relevance,
    Price,
    #[schema(rename = "-price")]
    PriceDown,
    Name,
    Newest,
    Stock,
    #[schema(rename = "-stock")]
    StockDown,
}

/// An entry of a list.
#[derive(Debug, Clone)]
pub(crate) struct ListEntry {
    /// The product itself; of a group, the first matching variant with stock, else the first one.
    pub product: CatalogueProduct,
    /// What the variants of the group have in common, in a list of groups.
    pub group: Option<GroupFacts>,
}

#[derive(Debug)]
pub(crate) struct SearchResult {
    /// Entries of the requested page.
    pub entries: Vec<ListEntry>,
    /// Number of all entries.
    pub total: u64,
    pub facets: Facets,
    /// The query as it was understood, when a word occurs only with typos; only the index corrects.
    pub corrected: Option<String>,
}

/// Counts over all matching entries. Each facet ignores the filter of its own kind, so that it shows what another
/// choice would find.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facets {
    /// Categories with matching products in or below them.
    pub categories: Vec<CategoryCount>,
    /// Lowest and highest price; `None` when no product matches.
    pub prices: Option<(Money, Money)>,
    /// Number of entries with stock.
    pub in_stock: u64,
    /// Brands with the most matching entries first, at most [`MAX_BRANDS`].
    pub brands: Vec<(String, u64)>,
    /// Options of variants; only the index counts them.
    pub options: Vec<OptionCount>,
}

/// An option with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OptionCount {
    pub name: String,
    /// Number of matching entries by value, in the order of the values.
    pub values: Vec<(String, u64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct CategoryCount {
    pub category: Category,
    /// Number of matching entries in or below the category.
    pub count: u64,
}
