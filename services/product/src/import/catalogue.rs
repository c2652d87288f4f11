//! Products of a file: rows of one handle complete each other, and every value keeps the limits of the catalogue.

use std::collections::{BTreeMap, HashMap, HashSet};

use souk_values::{Currency, Money};

use super::{
    RejectedRow, UnreadableFile,
    item::{Image, Item, Shared, Variant, unless_none},
    layout::{Dialect, Field, Layout},
    sheet::{self, Sheet},
    shopify::reason_of,
    values::{attributes, category, checked_line, is_image_url, key, line, made_sku, options, slug},
};
use crate::{
    description::Description,
    gallery::{self, MAX_ALT, ProductPicture},
    product::{MAX_BRAND, MAX_NAME, MAX_SKU, tags_of},
    slug::{MAX_SLUG, with_hash},
    text,
    variant::{ProductOption, full_name},
};

/// A product of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CatalogueRow {
    pub line: u64,
    /// Identity by handle and options, which decides where the file gives no SKU.
    pub key: String,
    /// Identity of the first product with the same handle.
    pub leader: RowId,
    /// Place among the products with the same handle, from 0.
    pub group_position: i64,
    pub sku: String,
    /// True if `sku` was made; the store makes another one if it is taken.
    pub has_made_sku: bool,
    pub slug: String,
    pub name: String,
    pub description: String,
    /// Safe HTML; empty when there is none.
    pub description_html: String,
    pub price: Money,
    /// Price before a reduction.
    pub compare_at: Option<Money>,
    /// Names from the top level down; never empty.
    pub category: Vec<String>,
    pub brand: Option<String>,
    pub tags: Vec<String>,
    /// The variant's own picture first, then those of the whole group.
    pub pictures: Vec<ProductPicture>,
    pub options: Vec<ProductOption>,
    pub attributes: BTreeMap<String, String>,
    pub quantity: i64,
}

/// Identity of a product of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowId {
    /// SKU of the file; `None` if it gives none.
    pub sku: Option<String>,
    pub key: String,
}

impl CatalogueRow {
    pub(crate) fn id(&self) -> RowId {
        RowId { sku: Some(self.sku.clone()).filter(|_| !self.has_made_sku), key: self.key.clone() }
    }

    /// Returns another SKU than the made one, if that is taken.
    pub(crate) fn other_sku(&self) -> String {
        with_hash(&self.sku, MAX_SKU, &self.key)
    }

    /// Returns another slug, if that of the row is taken.
    pub(crate) fn other_slug(&self) -> String {
        with_hash(&self.slug, MAX_SLUG, &self.key)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub rows: Vec<CatalogueRow>,
    pub rejected: Vec<RejectedRow>,
    /// Headings of columns that are not used.
    pub ignored_columns: Vec<String>,
}

pub(crate) fn parse(file: &[u8], currency: Currency) -> Result<Catalogue, UnreadableFile> {
    let Sheet { layout, mut items, mut rejected } = sheet::read(file, currency)?;
    let variants: Vec<_> = items.iter_mut().map(|item| item.variant.take()).collect();
    let groups = Groups::of(&items);
    let mut assembly = Assembly { layout: &layout, groups: &groups, description: None, lines: HashMap::new() };
    let mut rows = Vec::new();
    let mut selling = HashSet::new();
    for (item, variant) in items.iter().zip(variants) {
        let Some(variant) = variant else { continue };
        selling.insert(item.handle.as_str());
        match variant.and_then(|variant| assembly.row(item, &variant)) {
            Ok(row) => rows.push((item.handle.as_str(), row)),
            Err(reason) => rejected.push(RejectedRow { line: item.line, reason }),
        }
    }
    for item in &items {
        if selling.insert(&item.handle) {
            rejected.push(RejectedRow { line: item.line, reason: without_product(&layout) });
        }
    }
    let mut rows = placed(rows);
    make_skus(&mut rows);
    Ok(Catalogue { rows, rejected, ignored_columns: layout.ignored })
}

fn without_product(layout: &Layout) -> String {
    match layout.dialect {
        Dialect::Shopify => reason_of(layout, Field::Price, "it is empty in every row of this product"),
        Dialect::WooCommerce => {
            reason_of(layout, Field::RowType, "it is variable, but the file has no variation of it")
        }
    }
}

/// Values and pictures that the rows of a handle share, by handle.
struct Groups<'i> {
    shared: HashMap<&'i str, Shared>,
    images: HashMap<&'i str, Vec<&'i Image>>,
}

impl<'i> Groups<'i> {
    fn of(items: &'i [Item]) -> Self {
        let mut shared: HashMap<&str, Shared> = HashMap::new();
        let mut images: HashMap<&str, Vec<&Image>> = HashMap::new();
        for item in items {
            shared.entry(&item.handle).or_default().complete_from(&item.shared);
            images.entry(&item.handle).or_default().extend(&item.images);
        }
        for images in images.values_mut() {
            images.sort_by_key(|image| image.position);
        }
        Self { shared, images }
    }
}

struct Assembly<'s> {
    layout: &'s Layout,
    groups: &'s Groups<'s>,
    /// The description that was read last, with its cell: neighbouring rows mostly have the same.
    description: Option<(String, Description)>,
    /// First line of each SKU and key.
    lines: HashMap<String, u64>,
}

impl Assembly<'_> {
    /// Returns the product of a row. Errors: the reason to leave it out.
    fn row(&mut self, item: &Item, variant: &Variant) -> Result<CatalogueRow, String> {
        let layout = self.layout;
        let mut shared = item.shared.clone();
        if let Some(group) = self.groups.shared.get(item.handle.as_str()) {
            shared.complete_from(group);
        }
        if !shared.withheld.is_empty() {
            return Err(shared.withheld);
        }
        let title = unless_none(&shared.title);
        if title.is_empty() {
            return Err(match layout.dialect {
                Dialect::Shopify => {
                    reason_of(layout, Field::Title, "it is empty, and no row has the same handle and a title")
                }
                Dialect::WooCommerce => reason_of(layout, Field::Parent, "no row of a product has this SKU or id"),
            });
        }
        let options = options(layout, &variant.options, &shared.option_names)?;
        let name = match variant.name.as_str() {
            "" => full_name(title, &options),
            name => name.to_owned(),
        };
        let name = checked_line(layout, Field::Title, &name, MAX_NAME)?;
        let key = key(&item.handle, &options);
        let slug = slug(&item.slug_source, title, &options, &key);
        let (sku, has_made_sku) = match variant.sku.as_str() {
            "" => (made_sku(&slug, &key), true),
            sku => (checked_line(layout, Field::Sku, sku, MAX_SKU)?, false),
        };
        let Description { text: description, html: description_html } =
            self.described(unless_none(&shared.description))?;
        let brand = text::truncated(&line(unless_none(&shared.brand)), MAX_BRAND);
        let row = CatalogueRow {
            line: item.line,
            leader: RowId { sku: None, key: key.clone() },
            group_position: 0,
            sku,
            has_made_sku,
            slug,
            name,
            description,
            description_html,
            price: variant.price,
            compare_at: variant.compare_at,
            category: category(layout, &shared)?,
            brand: Some(brand.trim().to_owned()).filter(|brand| !brand.is_empty()),
            tags: tags_of(&line(unless_none(&shared.tags))),
            pictures: self.pictures(&item.handle, &variant.images)?,
            attributes: attributes(layout, &shared, variant, &options),
            options,
            quantity: variant.quantity,
            key,
        };
        self.refuse_repeated(&row)?;
        Ok(row)
    }

    fn described(&mut self, cell: &str) -> Result<Description, String> {
        if let Some((known, description)) = &self.description
            && known == cell
        {
            return Ok(description.clone());
        }
        let description = Description::read(cell);
        description.check().map_err(|reason| reason_of(self.layout, Field::Description, &format!("it {reason}")))?;
        self.description = Some((cell.to_owned(), description.clone()));
        Ok(description)
    }

    /// Returns the own pictures of a row, followed by those of its group.
    fn pictures(&self, handle: &str, own: &[Image]) -> Result<Vec<ProductPicture>, String> {
        let shared = self.groups.images.get(handle).map(Vec::as_slice).unwrap_or_default();
        let of_group = |url: &str| shared.iter().find(|image| image.url == url).map_or("", |image| image.alt.as_str());
        let mut pictures = Vec::with_capacity(own.len() + shared.len());
        for (field, image) in own
            .iter()
            .map(|image| (Field::VariantImage, image))
            .chain(shared.iter().map(|image| (Field::Image, *image)))
        {
            if !is_image_url(&image.url) {
                let reason = format!("'{}' is not the URL of a picture", text::truncated(&image.url, 40));
                let field = if self.layout.has(field) { field } else { Field::Image };
                return Err(reason_of(self.layout, field, &reason));
            }
            let alt = if image.alt.is_empty() { of_group(&image.url) } else { &image.alt };
            pictures.push(ProductPicture::new(image.url.clone(), text::truncated(&line(alt), MAX_ALT)));
        }
        Ok(gallery::distinct(pictures))
    }

    /// Errors: another row has the same SKU, or the same handle and options.
    fn refuse_repeated(&mut self, row: &CatalogueRow) -> Result<(), String> {
        if let Some(first) = self.lines.get(&row.key) {
            return Err(format!("line {first} has the same product with the same options"));
        }
        if !row.has_made_sku {
            let sku = format!("sku {}", row.sku);
            if let Some(first) = self.lines.get(&sku) {
                let reason = format!("'{}' is already on line {first}", row.sku);
                return Err(reason_of(self.layout, Field::Sku, &reason));
            }
            self.lines.insert(sku, row.line);
        }
        self.lines.insert(row.key.clone(), row.line);
        Ok(())
    }
}

/// Numbers the rows of each handle, and gives them the identity of the first.
fn placed(rows: Vec<(&str, CatalogueRow)>) -> Vec<CatalogueRow> {
    let mut groups: HashMap<&str, (RowId, i64)> = HashMap::new();
    let placed = rows.into_iter().map(|(handle, row)| {
        let (leader, count) = groups.entry(handle).or_insert_with(|| (row.id(), 0));
        let group_position = *count;
        *count += 1;
        CatalogueRow { leader: leader.clone(), group_position, ..row }
    });
    placed.collect()
}

/// Gives each made SKU a hash, if another row of the file has it.
fn make_skus(rows: &mut [CatalogueRow]) {
    let mut taken: HashSet<String> = rows.iter().filter(|row| !row.has_made_sku).map(|row| row.sku.clone()).collect();
    for row in rows.iter_mut().filter(|row| row.has_made_sku) {
        if !taken.insert(row.sku.clone()) {
            row.sku = row.other_sku();
            taken.insert(row.sku.clone());
        }
    }
}
