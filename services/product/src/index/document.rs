//! The document of a group of variants: its words, and what the service returns of it.

use std::collections::BTreeSet;

use serde::Deserialize;
use souk_values::{CategoryId, Id as _, ProductId};
use tantivy::{
    TantivyDocument, Term,
    schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value},
};

use super::{
    IndexError,
    entry::ShelfEntry,
    words::{self, QueryWord},
};
use crate::{product::CatalogueProduct, variant::ProductOption};

/// Names of attributes that hold a barcode, in lower case.
const BARCODES: [&str; 6] = ["barcode", "gtin", "ean", "isbn", "upc", "gtin, upc, ean, or isbn"];

/// The fields of a document. Fields of words hold folded words, separated by spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Id of the group, the key of the document.
    pub group: Field,
    /// Place of the group on the shelf.
    pub place: Field,
    /// [`ShelfEntry`] as JSON: what a restart reads of every document.
    pub entry: Field,
    /// Each visible product of the group, in their order, as JSON. Text, which tantivy reads faster than bytes.
    pub products: Field,
    pub slug: Field,
    /// Ids of the categories of its products.
    pub category: Field,
    /// SKUs and barcodes.
    pub code: Field,
    pub name: Field,
    pub name_stem: Field,
    pub brand: Field,
    /// Descriptions, tags and attributes.
    pub text: Field,
    pub text_stem: Field,
}

impl Fields {
    pub(super) fn build() -> (Self, Schema) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let words = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            group: schema.add_u64_field("group", INDEXED),
            place: schema.add_u64_field("place", FAST),
            entry: schema.add_bytes_field("entry", FAST),
            products: schema.add_text_field("products", STORED),
            slug: schema.add_text_field("slug", STRING),
            category: schema.add_u64_field("category", INDEXED),
            code: schema.add_text_field("code", STRING),
            name: schema.add_text_field("name", words.clone()),
            name_stem: schema.add_text_field("name_stem", words.clone()),
            brand: schema.add_text_field("brand", words.clone()),
            text: schema.add_text_field("text", words.clone()),
            text_stem: schema.add_text_field("text_stem", words),
        };
        (fields, schema.build())
    }

    /// The fields in which the words of a query are looked for.
    pub(super) fn searched(&self) -> [Field; 7] {
        [self.category, self.code, self.name, self.name_stem, self.brand, self.text, self.text_stem]
    }

    /// Returns the key of a group's document.
    pub(super) fn key(&self, group_id: ProductId) -> Term {
        Term::from_field_u64(self.group, group_id.get().unsigned_abs())
    }

    /// Returns the key of a category in the documents of its products.
    pub(super) fn category_key(&self, category_id: CategoryId) -> Term {
        Term::from_field_u64(self.category, category_id.get().unsigned_abs())
    }

    /// Returns the document of a group at `place`. `products` are its visible ones in their order.
    pub(super) fn document(
        &self,
        place: usize,
        entry: &ShelfEntry,
        products: &[CatalogueProduct],
    ) -> Result<TantivyDocument, IndexError> {
        let mut document = TantivyDocument::new();
        document.add_u64(self.group, entry.group_id.get().unsigned_abs());
        document.add_u64(self.place, u64::try_from(place).unwrap_or(u64::MAX));
        document.add_bytes(self.entry, &serde_json::to_vec(entry)?);
        for product in products {
            document.add_text(self.products, serde_json::to_string(product)?);
            document.add_text(self.slug, &product.details.slug);
        }
        for category in products.iter().map(|product| product.details.category_id).collect::<BTreeSet<CategoryId>>() {
            document.add_u64(self.category, category.get().unsigned_abs());
        }
        for code in products.iter().flat_map(codes).collect::<BTreeSet<String>>() {
            document.add_text(self.code, code);
        }
        let details = || products.iter().map(|product| &product.details);
        let names = word_set(details().map(|details| details.name.as_str()));
        let brands = word_set(details().filter_map(|details| details.brand.as_deref()));
        let texts = word_set(details().flat_map(|details| {
            let words = details.attributes.values().chain(&details.tags).chain([&details.description]);
            words.chain(details.options.iter().map(|option| &option.value)).map(String::as_str)
        }));
        document.add_text(self.name_stem, joined(&stem_set(&names)));
        document.add_text(self.text_stem, joined(&stem_set(&texts)));
        document.add_text(self.name, joined(&names));
        document.add_text(self.brand, joined(&brands));
        document.add_text(self.text, joined(&texts));
        Ok(document)
    }

    /// Reads the products of a document in their order.
    pub(super) fn products(&self, document: &TantivyDocument) -> Result<Vec<CatalogueProduct>, IndexError> {
        self.jsons(document).map(|json| Ok(serde_json::from_str(json?)?)).collect()
    }

    /// Reads one product of a document; `None` when it has fewer. `number` counts from 0, in their order.
    pub(super) fn product(
        &self,
        document: &TantivyDocument,
        number: usize,
    ) -> Result<Option<CatalogueProduct>, IndexError> {
        self.jsons(document).nth(number).map(|json| Ok(serde_json::from_str(json?)?)).transpose()
    }

    /// Reads what distinguishes the products of a document from each other, in their order.
    pub(super) fn distinctions(&self, document: &TantivyDocument) -> Result<Vec<Distinction>, IndexError> {
        self.jsons(document).map(|json| Ok(serde_json::from_str(json?)?)).collect()
    }

    fn jsons<'d>(&self, document: &'d TantivyDocument) -> impl Iterator<Item = Result<&'d str, IndexError>> {
        let values = document.get_all(self.products);
        values.map(|value| value.as_str().ok_or(IndexError::Damaged("a product that is not JSON")))
    }
}

/// The part of a product's JSON that other variants of its group do not share. It is read in a fraction of the time of all.
#[derive(Debug, Deserialize)]
pub(super) struct Distinction {
    details: DistinctDetails,
}

#[derive(Debug, Deserialize)]
struct DistinctDetails {
    sku: String,
    options: Vec<ProductOption>,
}

impl Distinction {
    /// Returns how many words of a query stand in it.
    pub(super) fn named(&self, query: &[QueryWord]) -> usize {
        let DistinctDetails { sku, options } = &self.details;
        if options.is_empty() {
            return 0;
        }
        let own: Vec<String> = options.iter().flat_map(|option| words::of_text(&option.value)).collect();
        let sku = words::code(sku);
        query.iter().filter(|word| word.whole == sku || word.parts.iter().all(|part| own.contains(part))).count()
    }
}

/// Returns what identifies a product exactly: its SKU and its barcodes.
fn codes(product: &CatalogueProduct) -> Vec<String> {
    let details = &product.details;
    let barcodes = details.attributes.iter().filter(|(name, _)| BARCODES.contains(&name.to_lowercase().as_str()));
    barcodes.map(|(_, value)| value).chain([&details.sku]).map(|text| words::code(text)).collect()
}

fn word_set<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeSet<String> {
    // Variants repeat each other's texts.
    let texts: BTreeSet<&str> = texts.collect();
    texts.into_iter().flat_map(words::of_text).collect()
}

fn stem_set(words: &BTreeSet<String>) -> BTreeSet<String> {
    words.iter().flat_map(|word| words::stems(word)).collect()
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
