//! A product of the catalogue: what an admin says of it, and how edits change it.

use std::collections::BTreeMap;

use souk_values::{CategoryId, Money, ProductId, Timestamp};

use crate::{news::News, shelf::Shelf, words};

/// The longest name, characters.
pub const MAX_NAME: usize = 255;
/// The longest SKU, characters.
pub const MAX_SKU: usize = 100;
/// The longest description, characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// The longest image address, characters.
pub const MAX_IMAGE_URL: usize = 500;
/// The highest price, minor units.
pub const MAX_PRICE: i64 = 100_000_000_000;
/// Attributes of one product at most.
pub const MAX_ATTRIBUTES: usize = 30;
/// The longest name of an attribute, characters.
pub const MAX_ATTRIBUTE_NAME: usize = 60;
/// The longest value of an attribute, characters.
pub const MAX_ATTRIBUTE_VALUE: usize = 300;
/// Characters of a product that search looks at.
const MAX_SEARCH_TEXT: usize = 12_000;

/// What is said of a product; orders never change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Stock keeping unit, unique.
    pub sku: String,
    /// Its part of an address, unique.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// For one.
    pub price: Money,
    /// Where it stands.
    pub category_id: CategoryId,
    /// Its picture.
    pub image_url: Option<String>,
    /// Whatever else is to be known of it.
    pub attributes: BTreeMap<String, String>,
    /// Few are left at or below this.
    pub low_stock_at: i64,
}

impl Details {
    /// The name as search and sorting compare it.
    #[must_use]
    pub fn name_key(&self) -> String {
        words::shortened(&words::fold(&self.name), MAX_NAME)
    }

    /// All that search looks at.
    #[must_use]
    pub fn search_text(&self) -> String {
        let attributes = self.attributes.values().map(String::as_str).collect::<Vec<_>>().join(" ");
        let text = [&self.name, &self.sku, &attributes, &self.description].map(String::as_str).join(" ");
        words::shortened(&words::fold(&text), MAX_SEARCH_TEXT)
    }
}

/// What an admin changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Another SKU.
    pub sku: Option<String>,
    /// Another slug.
    pub slug: Option<String>,
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another price.
    pub price: Option<Money>,
    /// Another category.
    pub category_id: Option<CategoryId>,
    /// Another picture; `Some(None)` takes it away.
    #[expect(clippy::option_option, reason = "stay, go and be another are three cases")]
    pub image_url: Option<Option<String>>,
    /// Other attributes, in place of all there were.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Another threshold.
    pub low_stock_at: Option<i64>,
}

impl Edit {
    /// `details` with this edit.
    #[must_use]
    pub fn of(&self, details: &Details) -> Details {
        let Self { sku, slug, name, description, price, category_id, image_url, attributes, low_stock_at } =
            self.clone();
        let old = details.clone();
        Details {
            sku: sku.unwrap_or(old.sku),
            slug: slug.unwrap_or(old.slug),
            name: name.unwrap_or(old.name),
            description: description.unwrap_or(old.description),
            price: price.unwrap_or(old.price),
            category_id: category_id.unwrap_or(old.category_id),
            image_url: image_url.unwrap_or(old.image_url),
            attributes: attributes.unwrap_or(old.attributes),
            low_stock_at: low_stock_at.unwrap_or(old.low_stock_at),
        }
    }
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Which.
    #[expect(clippy::struct_field_names, reason = "ids are named alike wherever they stand")]
    pub product_id: ProductId,
    /// What is said of it.
    pub details: Details,
    /// What can be bought now: on hand less reserved.
    pub stock: i64,
    /// Not in the catalogue.
    pub hidden: bool,
    /// Grows with each edit.
    pub version: i64,
    /// Grows with each `product.changed`.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was edited last.
    pub updated_at: Timestamp,
}

impl Product {
    /// A new product.
    #[must_use]
    pub fn new(product_id: ProductId, details: Details, stock: i64, now: Timestamp) -> Self {
        Self { product_id, details, stock, hidden: false, version: 1, revision: 1, created_at: now, updated_at: now }
    }

    /// As stock sees it.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        Shelf {
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

    /// With `edit`, and what is told of it; nothing when the edit says what is so already.
    #[must_use]
    pub fn edited(&self, edit: &Edit, now: Timestamp) -> Option<(Self, Vec<News>)> {
        let details = edit.of(&self.details);
        if details == self.details {
            return None;
        }
        let was_few = self.stock <= self.details.low_stock_at;
        let edited = Self { details, ..self.told_again(now) };
        let on_shelf = edited.shelf();
        let mut news = vec![on_shelf.changed()];
        if !was_few && edited.stock <= edited.details.low_stock_at {
            news.push(on_shelf.low());
        }
        Some((edited, news))
    }

    /// Taken out of the catalogue, and what is told of it.
    #[must_use]
    pub fn hide(&self, now: Timestamp) -> (Self, Vec<News>) {
        let hidden = Self { hidden: true, ..self.told_again(now) };
        let news = vec![hidden.shelf().changed()];
        (hidden, news)
    }

    fn told_again(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, revision: self.revision + 1, updated_at: now, ..self.clone() }
    }
}
