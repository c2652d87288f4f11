//! Values of a product, made of the cells of a file within the limits of the catalogue.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use souk_kit::text::{check_line, is_forbidden, normalized};

use super::{
    item::{Shared, Variant, unless_none},
    layout::{Dialect, Field, Layout},
    shopify::reason_of,
};
use crate::{
    category::MAX_CATEGORY_NAME,
    description,
    product::{MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_IMAGE_URL, MAX_SKU},
    slug::{MAX_SLUG, slugify, with_hash},
    text,
    variant::{MAX_OPTIONS, ProductOption},
};

/// Maximum length of a category path.
const MAX_DEPTH: usize = 8;
/// Category of products without category and type.
const DEFAULT_CATEGORY: &str = "Other";

/// Returns the identity of a product without SKU: a hash of its handle and options, whatever their script.
pub(super) fn key(handle: &str, options: &[ProductOption]) -> String {
    let mut hash = Sha256::new();
    let texts = options.iter().flat_map(|option| [option.name.as_str(), &option.value]);
    for text in std::iter::once(handle).chain(texts) {
        let text = line(text);
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hex::encode(hash.finalize())
}

/// Returns the slug of handle and options; of the title, if the handle has no letter for it.
pub(super) fn slug(handle: &str, title: &str, options: &[ProductOption], key: &str) -> String {
    let values: Vec<String> = options.iter().map(|option| spelled_sign(&option.value)).collect();
    let of = |text: &str| Some(slugify(text)).filter(|slug| !slug.is_empty());
    let base = of(handle).or_else(|| of(title)).unwrap_or_else(|| with_hash("product", MAX_SLUG, key));
    slugify(&format!("{base} {}", values.join(" ")))
}

/// Spells the sign of a number, which a slug would lose: `-1.5` and `+1.5` are different options.
fn spelled_sign(value: &str) -> String {
    let is_number = |rest: &&str| rest.starts_with(|first: char| first.is_ascii_digit());
    let signed = |sign: char| value.strip_prefix(sign).filter(is_number);
    match (signed('+'), signed('-').or_else(|| signed('\u{2212}'))) {
        (Some(rest), _) => format!("plus {rest}"),
        (_, Some(rest)) => format!("minus {rest}"),
        _ => value.to_owned(),
    }
}

pub(super) fn made_sku(slug: &str, key: &str) -> String {
    if slug.len() > MAX_SKU { with_hash(slug, MAX_SKU, key) } else { slug.to_owned() }
}

/// Returns the options with a value. One without a name has that of the column in another row of its group, else `Option`.
///
/// Errors: a value is too long or has an invisible character.
pub(super) fn options(
    layout: &Layout,
    values: &[(String, String)],
    names: &[String],
) -> Result<Vec<ProductOption>, String> {
    let mut options: Vec<ProductOption> = Vec::new();
    for (index, (name, value)) in values.iter().enumerate().filter(|(_, (_, value))| !value.is_empty()) {
        let value = checked_line(layout, Field::OptionValue(index + 1), value, MAX_ATTRIBUTE_VALUE)?;
        let name = if name.is_empty() { names.get(index).map_or("", String::as_str) } else { name };
        let name = text::truncated(&line(unless_none(name)), MAX_ATTRIBUTE_NAME);
        if options.len() < MAX_OPTIONS {
            let name = if name.is_empty() { "Option".to_owned() } else { name };
            options.push(ProductOption { name, value });
        }
    }
    Ok(options)
}

pub(super) fn attributes(
    layout: &Layout,
    shared: &Shared,
    variant: &Variant,
    options: &[ProductOption],
) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    put(&mut attributes, "Barcode", &line(&variant.barcode));
    if let Some(grams) = variant.grams {
        put(&mut attributes, "Weight", &format!("{grams} g"));
    }
    for (name, value) in &shared.attributes {
        // A variable product of WooCommerce lists all values of its options as attributes.
        let is_option =
            layout.dialect == Dialect::WooCommerce && options.iter().any(|option| option.name == line(name));
        if !is_option {
            put(&mut attributes, name, &description::paragraphs(unless_none(value)));
        }
    }
    attributes
}

fn put(attributes: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let name = text::truncated(&line(name), MAX_ATTRIBUTE_NAME);
    let value = text::truncated(value, MAX_ATTRIBUTE_VALUE).trim().to_owned();
    if !name.is_empty() && !value.is_empty() && attributes.len() < MAX_ATTRIBUTES {
        attributes.entry(name).or_insert(value);
    }
}

/// Returns the path of the category, else of the type, else of the default category. `\>` is no separator.
pub(super) fn category(layout: &Layout, shared: &Shared) -> Result<Vec<String>, String> {
    let names = |text: &str| {
        let text = text.replace("\\>", "\0");
        let names = text.split('>').map(|name| line(&name.replace('\0', ">")));
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let path = [&shared.category, &shared.product_type].into_iter().map(|text| names(unless_none(text)));
    let path = path.into_iter().find(|path| !path.is_empty()).unwrap_or_else(|| vec![DEFAULT_CATEGORY.to_owned()]);
    if path.len() > MAX_DEPTH || path.iter().any(|name| check_line(name, MAX_CATEGORY_NAME).is_err()) {
        let reason = format!(
            "it has more than {MAX_DEPTH} parts, or one that is not 1 to {MAX_CATEGORY_NAME} visible characters"
        );
        return Err(reason_of(layout, Field::Category, &reason));
    }
    Ok(path)
}

/// Accepts http and https URLs, and paths on this shop.
pub(crate) fn is_image_url(text: &str) -> bool {
    let is_url = text.starts_with("https://") || text.starts_with("http://") || text.starts_with('/');
    is_url
        && text.chars().count() <= MAX_IMAGE_URL
        && !text.chars().any(|letter| is_forbidden(letter) || letter.is_whitespace())
}

/// Returns one line: space and line ends that spreadsheets leave in cells become one space each.
pub(super) fn line(text: &str) -> String {
    if text.contains(is_forbidden) {
        let clean = text.replace(is_forbidden, " ");
        return normalized(&clean.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    normalized(text)
}

/// Folds space and line ends, and refuses any other forbidden character.
pub(super) fn checked_line(layout: &Layout, field: Field, text: &str, max: usize) -> Result<String, String> {
    let has_ends = text.contains(|letter: char| letter.is_whitespace() && is_forbidden(letter));
    let line = if has_ends { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    let line = normalized(&line);
    check_line(&line, max).map_err(|error| reason_of(layout, field, &format!("it {error}")))?;
    Ok(line)
}
