//! A group as the index keeps it between two starts, beside the words of its document.

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
