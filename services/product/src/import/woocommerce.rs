//! WooCommerce's product file: a row for each product, and one for each variation of a variable product.

use std::collections::HashMap;

use csv::StringRecord;
use souk_values::{Currency, Money};

use super::{
    item::{Image, Item, Shared, Variant, unquoted},
    layout::{Field, Layout, numbered},
    numbers,
    shopify::reason_of,
};

/// Numbers of the attributes' columns.
const MAX_COLUMNS: usize = 20;
const GRAM: u64 = 1_000_000;
const UNITS: [(&str, u64); 4] =
    [("weightkg", 1_000 * GRAM), ("weightg", GRAM), ("weightlbs", 453_592_370), ("weightoz", 28_349_523)];
/// Before the id of a product in `Parent`.
const ID: &str = "id:";

pub(super) fn field(key: &str) -> Option<Field> {
    if let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == key) {
        return Some(Field::Weight(*unit));
    }
    Some(match key {
        "id" => Field::Id,
        "type" => Field::RowType,
        "sku" => Field::Sku,
        "gtinupceanorisbn" => Field::Barcode,
        "name" => Field::Title,
        "published" => Field::Published,
        "shortdescription" => Field::ShortDescription,
        "description" => Field::Description,
        "datesalepricestarts" => Field::SaleStarts,
        "datesalepriceends" => Field::SaleEnds,
        "saleprice" => Field::SalePrice,
        "regularprice" => Field::Price,
        "stock" => Field::Quantity,
        "categories" => Field::Category,
        "tags" => Field::Tags,
        "brands" | "brand" => Field::Brand,
        "images" => Field::Image,
        "parent" => Field::Parent,
        _ => {
            let name = numbered(key, "attribute", "name").map(Field::OptionName);
            return name.or_else(|| numbered(key, "attribute", "values").map(Field::OptionValue));
        }
    })
}

/// Reads a row. The handle of a variation is its parent as the file writes it, which [`join`] replaces.
///
/// Errors: the reason to leave it out.
pub(super) fn item(layout: &Layout, record: &StringRecord, currency: Currency) -> Result<Item, String> {
    let cell = |field| unquoted(layout.cell(record, field));
    let kinds: Vec<String> = cell(Field::RowType).split(',').map(|kind| kind.trim().to_lowercase()).collect();
    let is = |kind: &str| kinds.iter().any(|own| own == kind);
    if let Some(kind) = ["grouped", "external"].into_iter().find(|kind| is(kind)) {
        let reason = format!("a product of type '{kind}' is not sold by the shop itself");
        return Err(reason_of(layout, Field::RowType, &reason));
    }
    let is_variation = is("variation");
    let (sku, id, title) = (cell(Field::Sku), cell(Field::Id), cell(Field::Title));
    let handle = match (is_variation, cell(Field::Parent)) {
        (true, "") => return Err(reason_of(layout, Field::Parent, "it is empty, and the row is a variation")),
        (true, parent) => parent.replace(' ', ""),
        (false, _) if !sku.is_empty() => sku.to_owned(),
        (false, _) if !id.is_empty() => format!("{ID}{id}"),
        (false, _) => title.to_owned(),
    };
    if handle.is_empty() {
        return Err(reason_of(layout, Field::Title, "it is empty, as are SKU and ID"));
    }
    let attributes: Vec<(String, String)> = (1..=MAX_COLUMNS)
        .map(|number| (cell(Field::OptionName(number)), cell(Field::OptionValue(number))))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), unescaped(value)))
        .collect();
    let withheld = if matches!(cell(Field::Published), "0" | "-1") {
        reason_of(layout, Field::Published, "it is not published")
    } else {
        String::new()
    };
    // A variation's name repeats its values, and its description adds to that of the whole product.
    let shared = if is_variation {
        Shared { withheld, ..Shared::default() }
    } else {
        Shared {
            title: title.to_owned(),
            description: description(layout, record),
            brand: unescaped(list(cell(Field::Brand)).first().map_or("", String::as_str)),
            category: deepest(cell(Field::Category)),
            product_type: String::new(),
            tags: cell(Field::Tags).to_owned(),
            option_names: Vec::new(),
            attributes: attributes.clone(),
            withheld,
        }
    };
    let images: Vec<Image> = list(cell(Field::Image))
        .into_iter()
        .zip(0..)
        .map(|(url, position)| Image { position, url, alt: String::new() })
        .collect();
    let variant = (!is("variable")).then(|| {
        let options = if is_variation { attributes } else { Vec::new() };
        let images = if is_variation { images.clone() } else { Vec::new() };
        variant(layout, record, currency).map(|variant| Variant { options, images, ..variant })
    });
    Ok(Item {
        line: 0,
        // That of a variation is the title of its product.
        slug_source: if is_variation { String::new() } else { title.to_owned() },
        handle,
        shared,
        images: if is_variation { Vec::new() } else { images },
        variant,
    })
}

/// Gives each variation the handle of its parent, which may stand anywhere in the file. `records` have the ids and SKUs.
pub(super) fn join(items: &mut [Item], ids: &HashMap<String, String>) {
    for item in items {
        if let Some(handle) = ids.get(&item.handle) {
            item.handle.clone_from(handle);
        }
    }
}

/// Returns the name by which variations refer to a product besides its SKU, and the product's handle.
pub(super) fn id(layout: &Layout, record: &StringRecord, item: &Item) -> Option<(String, String)> {
    let id = layout.cell(record, Field::Id);
    (!id.is_empty()).then(|| (format!("{ID}{id}"), item.handle.clone()))
}

fn variant(layout: &Layout, record: &StringRecord, currency: Currency) -> Result<Variant, String> {
    let cell = |field| unquoted(layout.cell(record, field));
    let price = |field: Field| -> Result<Money, String> {
        numbers::price(cell(field), currency).map_err(|reason| reason_of(layout, field, &reason))
    };
    let regular = price(Field::Price)?;
    // A price for a time only is not taken: it would stay for good.
    let is_timed = !cell(Field::SaleStarts).is_empty() || !cell(Field::SaleEnds).is_empty();
    let sale = if is_timed || cell(Field::SalePrice).is_empty() { None } else { Some(price(Field::SalePrice)?) };
    let mut grams = None;
    for (_, unit) in UNITS {
        let field = Field::Weight(unit);
        if layout.has(field) {
            let weight = numbers::grams(cell(field), u128::from(unit));
            grams = weight.map_err(|reason| reason_of(layout, field, &reason))?;
        }
    }
    Ok(Variant {
        name: String::new(),
        sku: cell(Field::Sku).to_owned(),
        barcode: cell(Field::Barcode).to_owned(),
        price: sale.unwrap_or(regular),
        compare_at: sale.map(|_| regular),
        quantity: numbers::quantity(cell(Field::Quantity))
            .map_err(|reason| reason_of(layout, Field::Quantity, &reason))?,
        grams,
        options: Vec::new(),
        images: Vec::new(),
    })
}

/// Returns the short and the long description together. The file writes line ends as `\n`.
fn description(layout: &Layout, record: &StringRecord) -> String {
    let read =
        |field| unquoted(layout.cell(record, field)).replace("\\\\n", "\0").replace("\\n", "\n").replace('\0', "\\n");
    let (short, long) = (read(Field::ShortDescription), read(Field::Description));
    match (short.is_empty(), long.is_empty()) {
        (true, _) => long,
        (_, true) => short,
        _ if long.contains(&short) => long,
        _ => format!("{short}\n\n{long}"),
    }
}

/// Splits a list at its commas; a comma within an entry is written `\,`.
fn list(cell: &str) -> Vec<String> {
    let escaped = cell.replace("\\,", "\0");
    escaped
        .split(',')
        .map(|entry| entry.replace('\0', ",").trim().to_owned())
        .filter(|entry| !entry.is_empty())
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("\\,", ",")
}

/// Returns the path with most names of a list of categories.
fn deepest(cell: &str) -> String {
    let depth = |path: &str| path.split('>').count();
    list(cell)
        .into_iter()
        .reduce(|best, path| if depth(&path) > depth(&best) { path } else { best })
        .unwrap_or_default()
}
