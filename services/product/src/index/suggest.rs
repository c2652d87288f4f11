//! Suggestions for what is being typed.

use souk_values::{Money, PageRequest, ProductId};

use super::{CatalogueIndex, IndexError, words};
use crate::{
    category::Category,
    store::{Filter, ListEntry, MAX_WORDS, Sort},
    text,
};

/// Products, categories and brands in an answer.
const PRODUCTS: u32 = 6;
const CATEGORIES: usize = 3;
const BRANDS: usize = 3;

#[derive(Debug)]
pub(crate) struct Suggested {
    pub products: Vec<SuggestedProduct>,
    pub categories: Vec<Category>,
    pub brands: Vec<String>,
    /// The probable meaning, when a word occurs only with typos.
    pub corrected: Option<String>,
    /// Number of all groups that the query finds.
    pub total: u64,
}

#[derive(Debug)]
pub(crate) struct SuggestedProduct {
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    pub image_url: Option<String>,
    pub brand: Option<String>,
    pub price_from: Money,
    pub prices_differ: bool,
}

impl CatalogueIndex {
    /// Returns what the beginning of a query may become. The last word may be incomplete, as in every search.
    pub(crate) fn suggest(&self, query: &str) -> Result<Suggested, IndexError> {
        let filter = Filter { query: query.to_owned(), ..Filter::default() };
        let found = self.list(&filter, Sort::Relevance, PageRequest::numbered(0, PRODUCTS), false)?;
        let parts: Vec<String> = words::of_query(query, MAX_WORDS).into_iter().flat_map(|word| word.parts).collect();
        let begun = |name: &[String]| {
            !parts.is_empty() && parts.iter().all(|part| name.iter().any(|word| word.starts_with(part)))
        };
        let tree = std::sync::Arc::clone(&self.0.tree.read());
        let categories = tree.with_words().filter(|(_, name)| begun(name)).map(|(category, _)| category);
        let categories = categories.take(CATEGORIES).cloned().collect();
        let goods = self.0.shelf.read();
        let brands = goods.brands_with_words().filter(|(_, name)| begun(name)).map(|(brand, _)| brand);
        let mut brands: Vec<String> = brands.cloned().collect();
        brands.sort_by_cached_key(|brand| text::fold(brand));
        brands.truncate(BRANDS);
        Ok(Suggested {
            products: found.entries.into_iter().map(SuggestedProduct::from).collect(),
            categories,
            brands,
            corrected: found.corrected,
            total: found.total,
        })
    }
}

impl From<ListEntry> for SuggestedProduct {
    fn from(entry: ListEntry) -> Self {
        let ListEntry { product, group } = entry;
        let image_url = product.details.image_url().map(str::to_owned);
        Self {
            product_id: product.product_id,
            image_url,
            brand: product.details.brand,
            price_from: group.map_or(product.details.price, |group| group.price_from),
            prices_differ: group.is_some_and(|group| group.prices_differ),
            name: crate::variant::title(&product.details.name, &product.details.options).to_owned(),
            slug: product.details.slug,
        }
    }
}
