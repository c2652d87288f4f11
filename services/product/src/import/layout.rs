//! Columns of a file: what each heading means in its dialect.

use std::collections::HashMap;

use csv::StringRecord;

use super::{UnreadableFile, shopify, woocommerce};

/// Meaning of a column, whatever its dialect calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Id,
    /// What rows of one product have in common.
    Handle,
    /// SKU or id of the product that a variant belongs to.
    Parent,
    RowType,
    Title,
    /// Name of a single variant, if it is not made of title and options.
    VariantName,
    Description,
    ShortDescription,
    Brand,
    Category,
    ProductType,
    Tags,
    Published,
    Status,
    OptionName(usize),
    OptionValue(usize),
    Sku,
    Barcode,
    Price,
    SalePrice,
    SaleStarts,
    SaleEnds,
    CompareAt,
    Quantity,
    /// In a unit of so many micrograms.
    Weight(u64),
    /// One picture, or several separated by commas.
    Image,
    ImagePosition,
    ImageAlt,
    VariantImage,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Shopify,
    WooCommerce,
}

impl Dialect {
    /// Returns the meaning of a heading in the form of [`key`].
    fn field(self, heading: &str) -> Option<Field> {
        match self {
            Self::Shopify => shopify::field(heading),
            Self::WooCommerce => woocommerce::field(heading),
        }
    }

    /// Columns without which a file is not of this dialect, and their names.
    const fn required(self) -> [(Field, &'static str); 2] {
        match self {
            Self::Shopify => [(Field::Title, "Title"), (Field::Price, "Price")],
            Self::WooCommerce => [(Field::Title, "Name"), (Field::Price, "Regular price")],
        }
    }
}

/// Delimiter, dialect and columns of a file.
#[derive(Debug)]
pub(super) struct Layout {
    pub delimiter: u8,
    pub dialect: Dialect,
    headings: Vec<String>,
    columns: HashMap<Field, usize>,
    /// Columns of further attributes, by their names.
    attributes: Vec<(String, usize)>,
    /// Headings of the columns that are not used.
    pub ignored: Vec<String>,
}

impl Layout {
    /// Finds the delimiter and the dialect by which most headings of the first line have a meaning.
    ///
    /// Errors: a required column is missing.
    pub(super) fn find(text: &str) -> Result<Self, UnreadableFile> {
        let layouts = [b',', b';', b'\t'].into_iter().flat_map(|delimiter| {
            let headings = headings(text, delimiter);
            [Dialect::Shopify, Dialect::WooCommerce].map(|dialect| Self::of(dialect, delimiter, headings.clone()))
        });
        // The first of equals: commas and Shopify.
        let best = layouts.reduce(|best, other| if other.rank() > best.rank() { other } else { best });
        let best = best.ok_or(UnreadableFile::NoColumn("Title"))?;
        match best.missing() {
            Some(name) => Err(UnreadableFile::NoColumn(name)),
            None => Ok(best),
        }
    }

    fn of(dialect: Dialect, delimiter: u8, headings: Vec<String>) -> Self {
        let mut columns = HashMap::new();
        let mut attributes = Vec::new();
        let mut ignored = Vec::new();
        for (index, heading) in headings.iter().enumerate() {
            match dialect.field(&key(heading)).filter(|field| !columns.contains_key(field)) {
                Some(field) => {
                    columns.insert(field, index);
                }
                None => match (dialect, shopify::metafield(heading)) {
                    (Dialect::Shopify, Some(name)) => attributes.push((name.to_owned(), index)),
                    _ if heading.trim().is_empty() => {}
                    _ => ignored.push(heading.trim().to_owned()),
                },
            }
        }
        Self { delimiter, dialect, headings, columns, attributes, ignored }
    }

    fn rank(&self) -> (bool, usize) {
        (self.missing().is_none(), self.columns.len())
    }

    /// Returns the name of the first required column that is missing.
    fn missing(&self) -> Option<&'static str> {
        let required = self.dialect.required();
        required.into_iter().find(|(field, _)| !self.has(*field)).map(|(_, name)| name)
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.columns.contains_key(&field)
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.headings.len()
    }

    /// Returns the heading of a column as it is in the file.
    pub(super) fn heading(&self, field: Field) -> &str {
        self.columns.get(&field).and_then(|index| self.headings.get(*index)).map_or("", |heading| heading.trim())
    }

    /// Returns the trimmed cell of a row; empty when the column is missing or the row too short.
    pub(super) fn cell<'r>(&self, record: &'r StringRecord, field: Field) -> &'r str {
        self.columns.get(&field).and_then(|index| record.get(*index)).unwrap_or("").trim()
    }

    /// Returns the further attributes of a row with their names.
    pub(super) fn attributes<'r>(&'r self, record: &'r StringRecord) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.attributes.iter().map(|(name, index)| (name.as_str(), record.get(*index).unwrap_or("").trim()))
    }
}

/// Returns the letters and digits of a heading in lower case: case, spacing and punctuation do not matter.
pub(super) fn key(heading: &str) -> String {
    heading.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the number in a key such as `option2name`, from 1 to 20.
pub(super) fn numbered(key: &str, before: &str, after: &str) -> Option<usize> {
    let number = key.strip_prefix(before)?.strip_suffix(after)?;
    number.parse().ok().filter(|number| (1..=20).contains(number))
}

fn headings(text: &str, delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    reader.headers().map(|record| record.iter().map(str::to_owned).collect()).unwrap_or_default()
}
