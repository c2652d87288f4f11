//! Shopify's product file: its columns as they are now (`URL handle`, `Price`) and as they were (`Handle`, `Variant Price`).

use csv::StringRecord;
use souk_values::{Currency, Money};

use super::{
    item::{Image, Item, Shared, Variant, unquoted},
    layout::{Field, Layout, numbered},
    numbers,
};
use crate::variant::{MAX_OPTIONS, NO_OPTION};

/// Between the name of a metafield and its key, in the heading of its column.
pub(crate) const METAFIELD: &str = " (product.metafields.";

/// Namespaces of metafields that say nothing about the product.
const APPS: [&str; 3] = ["mm-google-shopping", "shopify--discovery", "reviews"];

pub(super) fn field(key: &str) -> Option<Field> {
    Some(match key {
        "urlhandle" | "handle" => Field::Handle,
        "title" => Field::Title,
        "variantname" => Field::VariantName,
        "description" | "bodyhtml" | "body" => Field::Description,
        "vendor" => Field::Brand,
        "productcategory" => Field::Category,
        "type" | "producttype" => Field::ProductType,
        "tags" => Field::Tags,
        "publishedononlinestore" | "published" => Field::Published,
        "status" => Field::Status,
        "sku" | "variantsku" => Field::Sku,
        "barcode" | "variantbarcode" => Field::Barcode,
        "price" | "variantprice" => Field::Price,
        "compareatprice" | "variantcompareatprice" => Field::CompareAt,
        "inventoryquantity" | "variantinventoryqty" | "variantinventoryquantity" => Field::Quantity,
        "weightvaluegrams" | "variantgrams" => Field::Weight(1_000_000),
        "productimageurl" | "imagesrc" => Field::Image,
        "imageposition" => Field::ImagePosition,
        "imagealttext" => Field::ImageAlt,
        "variantimageurl" | "variantimage" => Field::VariantImage,
        _ => {
            let name = numbered(key, "option", "name").map(Field::OptionName);
            return name.or_else(|| numbered(key, "option", "value").map(Field::OptionValue));
        }
    })
}

/// Returns the name of a metafield by its heading, such as `Material (product.metafields.custom.material)`.
pub(super) fn metafield(heading: &str) -> Option<&str> {
    let (name, key) = heading.trim().rsplit_once(METAFIELD)?;
    let is_of_app = APPS.iter().any(|app| key.starts_with(app));
    Some(unquoted(name.trim())).filter(|name| !is_of_app && !name.is_empty())
}

/// Reads a row. Errors: the reason to leave it out.
pub(super) fn item(layout: &Layout, record: &StringRecord, currency: Currency) -> Result<Item, String> {
    let cell = |field| unquoted(layout.cell(record, field));
    let handle = if layout.has(Field::Handle) { cell(Field::Handle) } else { cell(Field::Title) };
    if handle.is_empty() {
        return Err("it is empty".to_owned()).map_err(|reason: String| reason_of(layout, Field::Handle, &reason));
    }
    let option_names = (1..=MAX_OPTIONS).map(|number| cell(Field::OptionName(number)).to_owned()).collect();
    let attributes = layout.attributes(record).filter(|(_, value)| !value.is_empty());
    let shared = Shared {
        title: cell(Field::Title).to_owned(),
        description: cell(Field::Description).to_owned(),
        brand: cell(Field::Brand).to_owned(),
        category: cell(Field::Category).to_owned(),
        product_type: cell(Field::ProductType).to_owned(),
        tags: cell(Field::Tags).to_owned(),
        option_names,
        attributes: attributes.map(|(name, value)| (name.to_owned(), unquoted(value).to_owned())).collect(),
        withheld: withheld(layout, record),
    };
    let image = Image {
        position: cell(Field::ImagePosition).parse().unwrap_or(u32::MAX),
        url: cell(Field::Image).to_owned(),
        alt: cell(Field::ImageAlt).to_owned(),
    };
    let is_for_sale = !cell(Field::Sku).is_empty() || !cell(Field::Price).is_empty();
    Ok(Item {
        line: 0,
        handle: handle.to_owned(),
        slug_source: handle.to_owned(),
        shared,
        images: Some(image).filter(|image| !image.url.is_empty()).into_iter().collect(),
        variant: is_for_sale.then(|| variant(layout, record, currency)),
    })
}

fn variant(layout: &Layout, record: &StringRecord, currency: Currency) -> Result<Variant, String> {
    let cell = |field| unquoted(layout.cell(record, field));
    let options = (1..=MAX_OPTIONS).map(|number| match cell(Field::OptionValue(number)) {
        NO_OPTION => "",
        value => value,
    });
    let price = numbers::price(cell(Field::Price), currency);
    let weight = Field::Weight(1_000_000);
    Ok(Variant {
        name: cell(Field::VariantName).to_owned(),
        sku: cell(Field::Sku).to_owned(),
        barcode: cell(Field::Barcode).to_owned(),
        price: price.map_err(|reason| reason_of(layout, Field::Price, &reason))?,
        compare_at: compare_at(layout, record, currency)?,
        quantity: numbers::quantity(cell(Field::Quantity))
            .map_err(|reason| reason_of(layout, Field::Quantity, &reason))?,
        grams: numbers::grams(cell(weight), 1_000_000).map_err(|reason| reason_of(layout, weight, &reason))?,
        options: options.map(|value| (String::new(), value.to_owned())).collect(),
        images: variant_images(cell(Field::VariantImage)),
    })
}

/// Apps write 0 for products that are not reduced.
fn compare_at(layout: &Layout, record: &StringRecord, currency: Currency) -> Result<Option<Money>, String> {
    match layout.cell(record, Field::CompareAt) {
        "" => Ok(None),
        cell => match numbers::price(cell, currency) {
            Ok(price) => Ok(Some(price).filter(|price| price.minor > 0)),
            Err(reason) => Err(reason_of(layout, Field::CompareAt, &reason)),
        },
    }
}

/// Returns the variant's pictures: a URL, or lines of URL and alternative text.
fn variant_images(cell: &str) -> Vec<Image> {
    let images = cell.lines().map(str::trim).filter(|line| !line.is_empty()).zip(0..).map(|(line, position)| {
        let (url, alt) = line.split_once(' ').unwrap_or((line, ""));
        Image { position, url: url.to_owned(), alt: alt.to_owned() }
    });
    images.collect()
}

fn withheld(layout: &Layout, record: &StringRecord) -> String {
    let (status, published) = (layout.cell(record, Field::Status), layout.cell(record, Field::Published));
    if !status.is_empty() && !status.eq_ignore_ascii_case("active") {
        return reason_of(layout, Field::Status, "it is not active");
    }
    if matches!(published.to_ascii_lowercase().as_str(), "false" | "no" | "0") {
        return reason_of(layout, Field::Published, "it is not published");
    }
    String::new()
}

pub(super) fn reason_of(layout: &Layout, field: Field, reason: &str) -> String {
    format!("{}: {reason}", layout.heading(field))
}
