//! Reads the file: which row is which product, and which row cannot be taken.

mod columns;

use std::collections::{BTreeMap, HashMap};

use csv::{ErrorKind, StringRecord};
use souk_values::{Currency, Money};

use self::columns::Columns;
use super::{RejectedRow, plain_text::plain_text};
use crate::{
    category::MAX_CATEGORY_NAME,
    product::{MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_DESCRIPTION, MAX_IMAGE_URL, MAX_NAME, MAX_PRICE, MAX_SKU},
    shelf::MAX_STOCK,
    slug::slugify,
    words,
};

/// Categories above one another at most.
const MAX_DEPTH: usize = 8;
/// Where products stand that name neither category nor type.
const NO_CATEGORY: &str = "Other";

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has no such heading.
    #[error("the first line must name the columns, and '{0}' is not among them")]
    NoColumn(&'static str),
    /// It is not CSV in UTF-8.
    #[error("the file is not CSV in UTF-8: {0}")]
    NotCsv(String),
}

/// A product as a row says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueRow {
    pub line: u64,
    pub sku: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub price: Money,
    /// From the top; never empty.
    pub category: Vec<String>,
    pub image_url: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub quantity: i64,
}

/// A file, read.
#[derive(Debug, Default)]
pub struct Sheet {
    pub rows: Vec<CatalogueRow>,
    pub rejected: Vec<RejectedRow>,
}

/// What the rows of one handle share; only the first of them says it.
#[derive(Debug, Clone)]
struct Shared {
    handle: String,
    title: String,
    description: String,
    category: Vec<String>,
    image_url: Option<String>,
    attributes: BTreeMap<String, String>,
    option_names: [String; 3],
    /// Why it is not for sale.
    withheld: Option<&'static str>,
}

/// Reads `csv`; prices are in `currency`.
pub fn read(csv: &[u8], currency: Currency) -> Result<Sheet, Unreadable> {
    let csv = csv.strip_prefix("\u{feff}".as_bytes()).unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv);
    let headings = reader.headers().map_err(|error| Unreadable::NotCsv(error.to_string()))?;
    let mut reading = Reading { columns: Columns::find(headings)?, currency, shared: None, skus: HashMap::new() };
    let mut sheet = Sheet::default();
    for record in reader.records() {
        let (line, outcome) = match record {
            Ok(record) => (record.position().map_or(0, csv::Position::line), reading.row(&record)),
            Err(error) => match error.kind() {
                ErrorKind::Utf8 { pos: Some(position), .. } => (position.line(), Err("it is not UTF-8".to_owned())),
                _ => return Err(Unreadable::NotCsv(error.to_string())),
            },
        };
        match outcome {
            Ok(Some(row)) => match reading.skus.insert(row.sku.clone(), line) {
                None => sheet.rows.push(CatalogueRow { line, ..row }),
                Some(first) => {
                    let reason = format!("Variant SKU: '{}' is on line {first} already", row.sku);
                    reading.skus.insert(row.sku, first);
                    sheet.rejected.push(RejectedRow { line, reason });
                }
            },
            Ok(None) => {}
            Err(reason) => sheet.rejected.push(RejectedRow { line, reason }),
        }
    }
    Ok(sheet)
}

struct Reading {
    columns: Columns,
    currency: Currency,
    shared: Option<Shared>,
    /// Each SKU's first line.
    skus: HashMap<String, u64>,
}

impl Reading {
    /// The row's product; nothing for a row that only adds a picture. Errors: why it cannot be taken.
    fn row(&mut self, record: &StringRecord) -> Result<Option<CatalogueRow>, String> {
        let handle = self.columns.handle(record);
        if handle.is_empty() {
            return Err("Handle: it is empty".to_owned());
        }
        if !self.columns.title(record).is_empty() {
            self.shared = None;
            self.shared = Some(self.share(record)?);
        }
        let columns = &self.columns;
        let (sku, price) = (columns.sku(record), columns.price(record));
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.handle == handle) else {
            return Err("Title: it is empty, and no row above has the same Handle".to_owned());
        };
        if sku.is_empty() && price.is_empty() {
            return Ok(None);
        }
        if let Some(reason) = shared.withheld {
            return Err(reason.to_owned());
        }
        let options: Vec<&str> = columns.option_values(record).into_iter().filter(|value| is_option(value)).collect();
        let name = if options.is_empty() {
            shared.title.clone()
        } else {
            format!("{} – {}", shared.title, options.join(" / "))
        };
        let slug = slugify(&format!("{} {}", shared.handle, options.join(" ")));
        let sku = if sku.is_empty() { slug.clone() } else { line_of("Variant SKU", sku, MAX_SKU)? };
        Ok(Some(CatalogueRow {
            line: 0,
            sku,
            slug,
            name: line_of("Title", &name, MAX_NAME)?,
            description: shared.description.clone(),
            price: self.read_price(price)?,
            category: shared.category.clone(),
            image_url: image(columns.variant_image(record))?.or_else(|| shared.image_url.clone()),
            attributes: attributes(columns, record, shared),
            quantity: quantity(columns.quantity(record))?,
        }))
    }

    fn share(&self, record: &StringRecord) -> Result<Shared, String> {
        let columns = &self.columns;
        let description = plain_text(columns.body(record));
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(format!("Body (HTML): it has more than {MAX_DESCRIPTION} characters"));
        }
        let withheld = match (columns.status(record), columns.published(record)) {
            (status, _) if !status.is_empty() && !status.eq_ignore_ascii_case("active") => {
                Some("Status: it is not active")
            }
            (_, published) if published.eq_ignore_ascii_case("false") => Some("Published: it is not published"),
            _ => None,
        };
        let mut attributes = BTreeMap::new();
        for (name, value) in [("Brand", columns.vendor(record)), ("Tags", columns.tags(record))] {
            put(&mut attributes, name, value);
        }
        Ok(Shared {
            handle: columns.handle(record).to_owned(),
            title: columns.title(record).to_owned(),
            description,
            category: category(columns.category(record), columns.kind(record))?,
            image_url: image(columns.image(record))?,
            attributes,
            option_names: columns.option_names(record).map(str::to_owned),
            withheld,
        })
    }

    fn read_price(&self, text: &str) -> Result<Money, String> {
        let price = Money::parse_decimal(text, self.currency).ok().filter(|price| price.minor <= MAX_PRICE);
        price.ok_or_else(|| format!("Variant Price: '{}' is no price", words::shortened(text, 40)))
    }
}

/// Shopify's way to say that a product has no variants.
fn is_option(value: &str) -> bool {
    !value.is_empty() && value != "Default Title"
}

fn attributes(columns: &Columns, record: &StringRecord, shared: &Shared) -> BTreeMap<String, String> {
    let mut attributes = shared.attributes.clone();
    for (name, value) in shared.option_names.iter().zip(columns.option_values(record)) {
        if is_option(value) {
            put(&mut attributes, name, value);
        }
    }
    put(&mut attributes, "Barcode", columns.barcode(record));
    if let Some(grams) = columns.grams(record).parse::<u64>().ok().filter(|grams| *grams > 0) {
        put(&mut attributes, "Weight", &format!("{grams} g"));
    }
    attributes
}

fn put(attributes: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let (name, value) = (one_line(name), words::shortened(&one_line(value), MAX_ATTRIBUTE_VALUE));
    if !name.is_empty() && !value.is_empty() && attributes.len() < MAX_ATTRIBUTES {
        attributes.insert(words::shortened(&name, crate::product::MAX_ATTRIBUTE_NAME), value);
    }
}

/// From the top down: the category's path, or else the type.
fn category(path: &str, kind: &str) -> Result<Vec<String>, String> {
    let of = |text: &str| text.split('>').map(one_line).filter(|name| !name.is_empty()).collect::<Vec<_>>();
    let path = [of(path), vec![one_line(kind)], vec![NO_CATEGORY.to_owned()]]
        .into_iter()
        .find(|path| path.iter().any(|name| !name.is_empty()))
        .unwrap_or_default();
    if path.len() > MAX_DEPTH || path.iter().any(|name| name.chars().count() > MAX_CATEGORY_NAME) {
        return Err(format!(
            "Product Category: it has more than {MAX_DEPTH} parts, or one with more than {MAX_CATEGORY_NAME} characters"
        ));
    }
    Ok(path)
}

fn image(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if is_image_url(text) {
        Ok(Some(text.to_owned()))
    } else {
        Err("Image Src: it is no address of a picture".to_owned())
    }
}

/// Whether `text` is an address on this shop or on the web.
pub(crate) fn is_image_url(text: &str) -> bool {
    let is_address = text.starts_with("https://") || text.starts_with("http://") || text.starts_with('/');
    is_address
        && text.chars().count() <= MAX_IMAGE_URL
        && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

/// Shopify tells oversold products below zero; here they are sold out.
fn quantity(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse::<i64>().ok().filter(|number| *number <= MAX_STOCK);
    let number = number
        .ok_or_else(|| format!("Variant Inventory Qty: '{}' is no number of units", words::shortened(text, 40)))?;
    Ok(number.max(0))
}

fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line_of(column: &str, text: &str, most: usize) -> Result<String, String> {
    let line = one_line(text);
    if line.is_empty() || line.chars().count() > most {
        return Err(format!("{column}: it must have 1 to {most} characters"));
    }
    Ok(line)
}
