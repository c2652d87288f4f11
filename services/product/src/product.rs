//! A product of the catalogue: its details, and how edits change them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_values::{CategoryId, Money, ProductId, Timestamp};

use crate::{
    event::ProductEvent,
    gallery::{self, ProductPicture},
    stock::StockItem,
    text,
    variant::{ProductOption, renamed},
};

// Limits in characters, of attributes in number, of the price in minor units.
pub(crate) const MAX_NAME: usize = 255;
pub(crate) const MAX_SKU: usize = 100;
pub(crate) const MAX_DESCRIPTION: usize = 10_000;
pub(crate) const MAX_IMAGE_URL: usize = 500;
pub(crate) const MAX_PRICE: i64 = 100_000_000_000;
pub(crate) const MAX_ATTRIBUTES: usize = 30;
pub(crate) const MAX_ATTRIBUTE_NAME: usize = 60;
pub(crate) const MAX_ATTRIBUTE_VALUE: usize = 300;
pub(crate) const MAX_BRAND: usize = 120;
pub(crate) const MAX_TAGS: usize = 50;
pub(crate) const MAX_TAG: usize = 100;
/// Characters of a product that search covers.
const MAX_SEARCH_TEXT: usize = 12_000;

/// The part of a product that admins edit; orders never change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductDetails {
    pub sku: String,
    pub slug: String,
    pub name: String,
    /// Plain text.
    pub description: String,
    /// The same text as safe HTML; empty when there is none.
    pub description_html: String,
    pub price: Money,
    /// Price before a reduction, if the shop owner gave one.
    pub compare_at: Option<Money>,
    pub category_id: CategoryId,
    /// Who made it.
    pub brand: Option<String>,
    pub tags: Vec<String>,
    /// The first one is the main picture.
    pub pictures: Vec<ProductPicture>,
    /// Further properties by name, without brand, tags and options.
    pub attributes: BTreeMap<String, String>,
    /// Group of variants that the product belongs to, named by the id of one of them; `None` is the product's own.
    pub group_id: Option<ProductId>,
    /// Place among the variants of the group, in rising order.
    pub group_position: i64,
    /// What distinguishes the product from the other variants of its group.
    pub options: Vec<ProductOption>,
    /// Low stock threshold, inclusive.
    pub low_stock_at: i64,
    /// Identity of a product that an import made without a SKU.
    pub import_key: Option<String>,
}

impl ProductDetails {
    /// Returns the name as search and sorting compare it.
    pub(crate) fn name_key(&self) -> String {
        text::truncated(&text::fold(&self.name), MAX_NAME)
    }

    /// Returns the folded text that search covers.
    pub(crate) fn search_text(&self) -> String {
        let words = [&self.name, &self.sku].into_iter().chain(&self.brand);
        let words = words.chain(self.options.iter().map(|option| &option.value));
        let words = words.chain(self.attributes.values()).chain(&self.tags).chain([&self.description]);
        let text = words.map(String::as_str).collect::<Vec<_>>().join(" ");
        text::truncated(&text::fold(&text), MAX_SEARCH_TEXT)
    }

    /// Returns the URL of the main picture.
    pub(crate) fn image_url(&self) -> Option<&str> {
        self.pictures.first().map(|picture| picture.url.as_str())
    }
}

/// Splits tags that are separated by commas, without repetitions and at most [`MAX_TAGS`].
pub(crate) fn tags_of(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let tag = text::truncated(tag, MAX_TAG);
        if tags.len() < MAX_TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// New values of a product's details; `None` keeps the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "keep, remove and replace are three cases")]
pub(crate) struct ProductEdit {
    pub sku: Option<String>,
    pub slug: Option<String>,
    pub name: Option<String>,
    /// Another text removes the HTML, unless this edit has one too.
    pub description: Option<String>,
    pub description_html: Option<String>,
    pub price: Option<Money>,
    pub compare_at: Option<Option<Money>>,
    pub category_id: Option<CategoryId>,
    pub brand: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
    /// Replaces all pictures; comes before `image_url`.
    pub pictures: Option<Vec<ProductPicture>>,
    /// Makes this the main picture; `Some(None)` removes all pictures.
    pub image_url: Option<Option<String>>,
    /// Replaces all attributes that the product has.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Moves the product to this group; its own id makes it a group of its own.
    pub group_id: Option<ProductId>,
    pub group_position: Option<i64>,
    pub options: Option<Vec<ProductOption>>,
    pub low_stock_at: Option<i64>,
    pub import_key: Option<Option<String>>,
}

impl ProductEdit {
    fn applied_to(&self, details: &ProductDetails) -> ProductDetails {
        let edit = self.clone();
        let old = details.clone();
        let is_same_text = edit.description.as_ref().is_none_or(|text| *text == old.description);
        let old_html = if is_same_text { old.description_html } else { String::new() };
        let mut pictures = edit.pictures.unwrap_or(old.pictures);
        if let Some(url) = edit.image_url {
            pictures = gallery::with_main(&pictures, url.as_deref());
        }
        let name = match (edit.name, &edit.options) {
            (Some(name), _) => name,
            (None, Some(options)) => renamed(&old.name, &old.options, options),
            (None, None) => old.name,
        };
        ProductDetails {
            sku: edit.sku.unwrap_or(old.sku),
            slug: edit.slug.unwrap_or(old.slug),
            name,
            description: edit.description.unwrap_or(old.description),
            description_html: edit.description_html.unwrap_or(old_html),
            price: edit.price.unwrap_or(old.price),
            compare_at: edit.compare_at.unwrap_or(old.compare_at),
            category_id: edit.category_id.unwrap_or(old.category_id),
            brand: edit.brand.unwrap_or(old.brand),
            tags: edit.tags.unwrap_or(old.tags),
            pictures,
            attributes: edit.attributes.unwrap_or(old.attributes),
            group_id: edit.group_id.or(old.group_id),
            group_position: edit.group_position.unwrap_or(old.group_position),
            options: edit.options.unwrap_or(old.options),
            low_stock_at: edit.low_stock_at.unwrap_or(old.low_stock_at),
            import_key: edit.import_key.unwrap_or(old.import_key),
        }
    }
}

/// As JSON, what the index keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogueProduct {
    pub product_id: ProductId,
    pub details: ProductDetails,
    /// Units that can be bought: on hand less reserved.
    pub stock: i64,
    /// Units that open orders hold. Only orders change it, as `sold`.
    pub reserved: i64,
    /// Units sold and not given back.
    pub sold: i64,
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
        Self {
            product_id,
            details,
            stock,
            reserved: 0,
            sold: 0,
            hidden: false,
            version: 1,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the id of the group that the product belongs to.
    pub(crate) fn group_id(&self) -> ProductId {
        self.details.group_id.unwrap_or(self.product_id)
    }

    pub(crate) fn stock_item(&self) -> StockItem {
        StockItem {
            product_id: self.product_id,
            sku: self.details.sku.clone(),
            slug: self.details.slug.clone(),
            image_url: self.details.image_url().map(str::to_owned),
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
        let mut details = edit.applied_to(&self.details);
        details.group_id = details.group_id.filter(|group| *group != self.product_id);
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

    /// Puts a deleted product back into the catalogue, and returns the events to publish.
    pub(crate) fn restore(&self, now: Timestamp) -> (Self, Vec<ProductEvent>) {
        let restored = Self { hidden: false, ..self.next_version(now) };
        let events = vec![restored.stock_item().changed()];
        (restored, events)
    }

    fn next_version(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, revision: self.revision + 1, updated_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use souk_values::{Currency, Id};

    use super::*;

    fn product() -> CatalogueProduct {
        let details = ProductDetails {
            sku: "K-1".to_owned(),
            slug: "kettle".to_owned(),
            name: "Kettle".to_owned(),
            description: "Two litres.".to_owned(),
            description_html: "<p>Two litres.</p>".to_owned(),
            price: Money::new(100, Currency::EUR),
            compare_at: None,
            category_id: CategoryId::new(1).unwrap(),
            brand: Some("Ostra".to_owned()),
            tags: tags_of("tea, tea,, steel "),
            pictures: Vec::new(),
            attributes: BTreeMap::new(),
            group_id: None,
            group_position: 0,
            options: Vec::new(),
            low_stock_at: 5,
            import_key: None,
        };
        CatalogueProduct::new(ProductId::new(7).unwrap(), details, 9, Timestamp::from_millis(0))
    }

    fn edited(edit: &ProductEdit) -> Option<ProductDetails> {
        product().edited(edit, Timestamp::from_millis(1)).map(|(edited, _)| edited.details)
    }

    #[test]
    fn tags_stand_once() {
        assert_eq!(product().details.tags, ["tea", "steel"]);
    }

    #[test]
    fn another_description_has_no_html_of_the_old_one() {
        let text = |text: &str| ProductEdit { description: Some(text.to_owned()), ..ProductEdit::default() };
        assert_eq!(edited(&text("Two litres.")), None);
        assert_eq!(edited(&text("Three litres.")).unwrap().description_html, "");
        let both = ProductEdit { description_html: Some("<p>3</p>".to_owned()), ..text("3") };
        assert_eq!(edited(&both).unwrap().description_html, "<p>3</p>");
    }

    #[test]
    fn the_own_id_is_no_other_group() {
        let group = |id| ProductEdit { group_id: Some(ProductId::new(id).unwrap()), ..ProductEdit::default() };
        assert_eq!(edited(&group(7)), None);
        assert_eq!(edited(&group(8)).unwrap().group_id, ProductId::new(8).ok());
    }
}
