//! A product of the catalogue: its details, and how edits change them.

use std::collections::BTreeMap;

use souk_values::{CategoryId, Money, ProductId, Timestamp};

use crate::{event::ProductEvent, stock::StockItem, text};

// Limits in characters, of attributes in number, of the price in minor units.
pub(crate) const MAX_NAME: usize = 255;
pub(crate) const MAX_SKU: usize = 100;
pub(crate) const MAX_DESCRIPTION: usize = 10_000;
pub(crate) const MAX_IMAGE_URL: usize = 500;
pub(crate) const MAX_PRICE: i64 = 100_000_000_000;
pub(crate) const MAX_ATTRIBUTES: usize = 30;
pub(crate) const MAX_ATTRIBUTE_NAME: usize = 60;
pub(crate) const MAX_ATTRIBUTE_VALUE: usize = 300;
/// Characters of a product that search covers.
const MAX_SEARCH_TEXT: usize = 12_000;

/// The part of a product that admins edit; orders never change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductDetails {
    pub sku: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub price: Money,
    pub category_id: CategoryId,
    pub image_url: Option<String>,
    pub attributes: BTreeMap<String, String>,
    /// Low stock threshold, inclusive.
    pub low_stock_at: i64,
}

impl ProductDetails {
    /// Returns the name as search and sorting compare it.
    pub(crate) fn name_key(&self) -> String {
        text::truncated(&text::fold(&self.name), MAX_NAME)
    }

    /// Returns the folded text that search covers.
    pub(crate) fn search_text(&self) -> String {
        let attributes = self.attributes.values().map(String::as_str).collect::<Vec<_>>().join(" ");
        let text = [&self.name, &self.sku, &attributes, &self.description].map(String::as_str).join(" ");
        text::truncated(&text::fold(&text), MAX_SEARCH_TEXT)
    }
}

/// New values of a product's details; `None` keeps the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProductEdit {
    pub sku: Option<String>,
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub price: Option<Money>,
    pub category_id: Option<CategoryId>,
    /// `Some(None)` removes the picture.
    #[expect(clippy::option_option, reason = "keep, remove and replace are three cases")]
    pub image_url: Option<Option<String>>,
    /// Replaces all attributes that the product has.
    pub attributes: Option<BTreeMap<String, String>>,
    pub low_stock_at: Option<i64>,
}

impl ProductEdit {
    fn applied_to(&self, details: &ProductDetails) -> ProductDetails {
        let edit = self.clone();
        let old = details.clone();
        ProductDetails {
            sku: edit.sku.unwrap_or(old.sku),
            slug: edit.slug.unwrap_or(old.slug),
            name: edit.name.unwrap_or(old.name),
            description: edit.description.unwrap_or(old.description),
            price: edit.price.unwrap_or(old.price),
            category_id: edit.category_id.unwrap_or(old.category_id),
            image_url: edit.image_url.unwrap_or(old.image_url),
            attributes: edit.attributes.unwrap_or(old.attributes),
            low_stock_at: edit.low_stock_at.unwrap_or(old.low_stock_at),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CatalogueProduct {
    pub product_id: ProductId,
    pub details: ProductDetails,
    /// Units that can be bought: on hand less reserved.
    pub stock: i64,
    /// True once the product is deleted from the catalogue.
    pub hidden: bool,
    /// Number of edits, the creation included.
    pub version: i64,
    /// Number of `product.changed` events.
    pub revision: i64,
    pub created_at: Timestamp,
    /// Time of the last edit; moves of stock do not count.
    pub updated_at: Timestamp,
}

impl CatalogueProduct {
    pub(crate) fn new(product_id: ProductId, details: ProductDetails, stock: i64, now: Timestamp) -> Self {
        Self { product_id, details, stock, hidden: false, version: 1, revision: 1, created_at: now, updated_at: now }
    }

    pub(crate) fn stock_item(&self) -> StockItem {
        StockItem {
            product_id: self.product_id,
            sku: self.details.sku.clone(),
            name: self.details.name.clone(),
            price: self.details.price,
            stock: self.stock,
            low_stock_at: self.details.low_stock_at,
            hidden: self.hidden,
            revision: self.revision,
        }
    }

    /// Applies `edit`, and returns the events to publish; `None` when it changes nothing.
    pub(crate) fn edited(&self, edit: &ProductEdit, now: Timestamp) -> Option<(Self, Vec<ProductEvent>)> {
        let details = edit.applied_to(&self.details);
        if details == self.details {
            return None;
        }
        let was_low = self.stock <= self.details.low_stock_at;
        let edited = Self { details, ..self.next_version(now) };
        let item = edited.stock_item();
        let mut events = vec![item.changed()];
        if !was_low && edited.stock <= edited.details.low_stock_at {
            events.push(item.low());
        }
        Some((edited, events))
    }

    /// Deletes the product from the catalogue, and returns the events to publish.
    pub(crate) fn hide(&self, now: Timestamp) -> (Self, Vec<ProductEvent>) {
        let hidden = Self { hidden: true, ..self.next_version(now) };
        let events = vec![hidden.stock_item().changed()];
        (hidden, events)
    }

    fn next_version(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, revision: self.revision + 1, updated_at: now, ..self.clone() }
    }
}
