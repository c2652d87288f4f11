//! Parser of the file: products, and the rows that are left out.

mod columns;

use std::collections::{BTreeMap, HashMap};

use csv::{ErrorKind, StringRecord};
use souk_kit::text::{check_line, is_forbidden, normalized};
use souk_values::{Currency, Money};

use self::columns::Columns;
use super::{RejectedRow, plain_text::plain_text};
use crate::{
    category::MAX_CATEGORY_NAME,
    product::{
        MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_DESCRIPTION, MAX_IMAGE_URL, MAX_NAME, MAX_PRICE,
        MAX_SKU,
    },
    slug::slugify,
    stock::MAX_STOCK,
    text,
};

/// Maximum length of a category path.
const MAX_DEPTH: usize = 8;
/// Category of products without category and type.
const DEFAULT_CATEGORY: &str = "Other";

/// A defect of the whole file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFile {
    /// A required column is missing.
    #[error("the first line of the file must name the columns, and '{0}' is missing")]
    NoColumn(&'static str),
    #[error("the file is not CSV in UTF-8: {0}")]
    NotCsv(String),
}

/// A product of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CatalogueRow {
    pub line: u64,
    pub sku: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub price: Money,
    /// Names from the top level down; never empty.
    pub category: Vec<String>,
    pub image_url: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub quantity: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub rows: Vec<CatalogueRow>,
    pub rejected: Vec<RejectedRow>,
}

/// Values of all rows with one handle; only the first of these rows has them.
#[derive(Debug, Clone)]
struct ProductGroup {
    handle: String,
    title: String,
    description: String,
    category: Vec<String>,
    image_url: Option<String>,
    attributes: BTreeMap<String, String>,
    option_names: [String; 3],
    /// Reason why the product is not for sale.
    withheld: Option<&'static str>,
}

pub(crate) fn parse(csv: &[u8], currency: Currency) -> Result<Sheet, UnreadableFile> {
    // Spreadsheets write a byte order mark, which would become part of the first heading.
    let csv = csv.strip_prefix("\u{feff}".as_bytes()).unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv);
    let headings = reader.headers().map_err(|error| UnreadableFile::NotCsv(error.to_string()))?;
    let mut parser = RowParser { columns: Columns::find(headings)?, currency, group: None, skus: HashMap::new() };
    let mut sheet = Sheet::default();
    for record in reader.records() {
        let (line, outcome) = match record {
            Ok(record) => (record.position().map_or(0, csv::Position::line), parser.row(&record)),
            Err(error) => match error.kind() {
                ErrorKind::Utf8 { pos: Some(position), .. } => (position.line(), Err("it is not UTF-8".to_owned())),
                _ => return Err(UnreadableFile::NotCsv(error.to_string())),
            },
        };
        match outcome {
            Ok(Some(row)) => match parser.skus.insert(row.sku.clone(), line) {
                None => sheet.rows.push(CatalogueRow { line, ..row }),
                Some(first) => {
                    let reason = format!("Variant SKU: '{}' is already on line {first}", row.sku);
                    parser.skus.insert(row.sku, first);
                    sheet.rejected.push(RejectedRow { line, reason });
                }
            },
            Ok(None) => {}
            Err(reason) => sheet.rejected.push(RejectedRow { line, reason }),
        }
    }
    Ok(sheet)
}

struct RowParser {
    columns: Columns,
    currency: Currency,
    /// Group of the current row.
    group: Option<ProductGroup>,
    /// First line of each SKU.
    skus: HashMap<String, u64>,
}

impl RowParser {
    /// Returns the row's product; `None` for a row that only adds a picture. Errors: the reason to leave it out.
    fn row(&mut self, record: &StringRecord) -> Result<Option<CatalogueRow>, String> {
        let handle = self.columns.handle(record);
        if handle.is_empty() {
            return Err("Handle: it is empty".to_owned());
        }
        if !self.columns.title(record).is_empty() {
            // Cleared first: if this row is invalid, the next ones must not join the group before it.
            self.group = None;
            self.group = Some(self.group_of(record)?);
        }
        let columns = &self.columns;
        let sku = columns.sku(record);
        let price = columns.price(record);
        let Some(group) = self.group.as_ref().filter(|group| group.handle == handle) else {
            return Err("Title: it is empty, and no row above has the same Handle".to_owned());
        };
        if sku.is_empty() && price.is_empty() {
            return Ok(None);
        }
        if let Some(reason) = group.withheld {
            return Err(reason.to_owned());
        }
        let options: Vec<&str> = columns.option_values(record).into_iter().filter(|value| is_option(value)).collect();
        let name = if options.is_empty() {
            group.title.clone()
        } else {
            format!("{} – {}", group.title, options.join(" / "))
        };
        let slug = slugify(&format!("{} {}", group.handle, options.join(" ")));
        let sku = if sku.is_empty() { slug.clone() } else { single_line("Variant SKU", sku, MAX_SKU)? };
        Ok(Some(CatalogueRow {
            line: 0,
            sku,
            slug,
            name: single_line("Title", &name, MAX_NAME)?,
            description: group.description.clone(),
            price: self.read_price(price)?,
            category: group.category.clone(),
            image_url: image(columns.variant_image(record))?.or_else(|| group.image_url.clone()),
            attributes: attributes(columns, record, group),
            quantity: quantity(columns.quantity(record))?,
        }))
    }

    fn group_of(&self, record: &StringRecord) -> Result<ProductGroup, String> {
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
        Ok(ProductGroup {
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
        price.ok_or_else(|| format!("Variant Price: '{}' is not a price", text::truncated(text, 40)))
    }
}

/// `Default Title` is Shopify's option value of products without variants.
fn is_option(value: &str) -> bool {
    !value.is_empty() && value != "Default Title"
}

fn attributes(columns: &Columns, record: &StringRecord, group: &ProductGroup) -> BTreeMap<String, String> {
    let mut attributes = group.attributes.clone();
    for (name, value) in group.option_names.iter().zip(columns.option_values(record)) {
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
    let name = one_line(name);
    let value = text::truncated(&one_line(value), MAX_ATTRIBUTE_VALUE);
    if !name.is_empty() && !value.is_empty() && attributes.len() < MAX_ATTRIBUTES {
        attributes.insert(text::truncated(&name, MAX_ATTRIBUTE_NAME), value);
    }
}

/// Returns the path of the category, else of the type, else of the default category.
fn category(path: &str, kind: &str) -> Result<Vec<String>, String> {
    let names = |text: &str| text.split('>').map(one_line).filter(|name| !name.is_empty()).collect::<Vec<_>>();
    let path = [names(path), vec![one_line(kind)], vec![DEFAULT_CATEGORY.to_owned()]]
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
        Err("Image Src: it is not the URL of a picture".to_owned())
    }
}

/// Accepts http and https URLs, and paths on this shop.
pub(crate) fn is_image_url(text: &str) -> bool {
    let is_url = text.starts_with("https://") || text.starts_with("http://") || text.starts_with('/');
    is_url
        && text.chars().count() <= MAX_IMAGE_URL
        && !text.chars().any(|letter| is_forbidden(letter) || letter.is_whitespace())
}

/// Shopify exports oversold products with a negative quantity; here they are sold out.
fn quantity(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse::<i64>().ok().filter(|number| *number <= MAX_STOCK);
    let number = number
        .ok_or_else(|| format!("Variant Inventory Qty: '{}' is not a number of units", text::truncated(text, 40)))?;
    Ok(number.max(0))
}

fn one_line(text: &str) -> String {
    let clean = text.replace(is_forbidden, " ");
    normalized(&clean.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Folds space and line ends, which spreadsheets leave in cells, and refuses any other forbidden character.
fn single_line(column: &str, text: &str, max: usize) -> Result<String, String> {
    let line = normalized(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    check_line(&line, max).map_err(|error| format!("{column}: it {error}"))?;
    Ok(line)
}
