//! Rows of a group: what its products share stands in the first row, and in others where they differ.

use axum::body::Bytes;
use souk_values::Money;

use super::{Columns, Export, MIN_OPTIONS, grams, has_own_column, own_name};
use crate::{
    category::CategoryTree,
    description::escaped,
    gallery::ProductPicture,
    import::{METAFIELD, NONE, quoted},
    product::{CatalogueProduct, ProductDetails},
    slug::slugify,
    variant::title,
};

/// Key of the metafields that attributes are exported as.
const NAMESPACE: &str = "souk.attribute)";

pub(super) fn heading(columns: &Columns) -> Bytes {
    let mut cells: Vec<String> = [
        "Title",
        "URL handle",
        "Description",
        "Vendor",
        "Product category",
        "Type",
        "Tags",
        "Published on online store",
        "Status",
        "SKU",
        "Barcode",
    ]
    .map(str::to_owned)
    .into();
    for number in 1..=columns.options.max(MIN_OPTIONS) {
        cells.extend([format!("Option{number} name"), format!("Option{number} value")]);
    }
    let rest = [
        "Price",
        "Compare-at price",
        "Inventory quantity",
        "Weight value (grams)",
        "Product image URL",
        "Image position",
        "Image alt text",
        "Variant image URL",
    ];
    cells.extend(rest.map(str::to_owned));
    if columns.has_names {
        cells.push("Variant name".to_owned());
    }
    cells.extend(columns.attributes.iter().map(|name| format!("{name}{METAFIELD}{NAMESPACE}")));
    Bytes::from(written(&[cells]))
}

/// Returns the rows of a group, whose products are in their order.
pub(super) fn rows(export: &mut Export, products: &[CatalogueProduct]) -> Vec<u8> {
    let mut rows = Vec::new();
    let Some(first) = products.first() else { return Vec::new() };
    let handle = free_handle(export, first);
    let shared = common_pictures(products);
    let own: Vec<_> = products.iter().map(|product| own_pictures(&product.details.pictures, &shared)).collect();
    let details: Vec<&ProductDetails> = products.iter().map(|product| &product.details).collect();
    let titles = cells(&details, |details| title(&details.name, &details.options).to_owned());
    let descriptions = cells(&details, description);
    let brands = cells(&details, |details| details.brand.clone().unwrap_or_default());
    let categories = cells(&details, |details| category(&export.tree, details));
    let tags = cells(&details, |details| details.tags.join(", "));
    let attributes: Vec<Vec<String>> = export
        .columns
        .attributes
        .iter()
        .map(|name| cells(&details, |details| attribute(details, name, false)))
        .collect();
    for index in 0..products.len().max(shared.len()) {
        let at = |cells: &[String]| cells.get(index).cloned().unwrap_or_default();
        let product = products.get(index);
        let of = |read: fn(&CatalogueProduct) -> String| product.map(read).unwrap_or_default();
        let mut row = vec![
            at(&titles),
            handle.clone(),
            at(&descriptions),
            at(&brands),
            at(&categories),
            String::new(),
            at(&tags),
            of(|_| "TRUE".to_owned()),
            of(|_| "Active".to_owned()),
            of(|product| product.details.sku.clone()),
            of(|product| attribute(&product.details, "Barcode", true)),
        ];
        for number in 0..export.columns.options.max(MIN_OPTIONS) {
            let option = product.and_then(|product| product.details.options.get(number));
            row.extend(option.map_or_else(Default::default, |option| [option.name.clone(), option.value.clone()]));
        }
        row.extend([
            of(|product| product.details.price.decimal()),
            of(|product| product.details.compare_at.map(Money::decimal).unwrap_or_default()),
            of(|product| product.stock.to_string()),
            of(|product| attribute(&product.details, "Weight", true)),
        ]);
        row.extend(shared.get(index).map_or_else(Default::default, |picture| {
            [picture.url.clone(), (index + 1).to_string(), picture.alt.clone()]
        }));
        row.push(own.get(index).cloned().unwrap_or_default());
        if export.columns.has_names {
            row.push(of(|product| own_name(&product.details).unwrap_or_default().to_owned()));
        }
        row.extend(attributes.iter().map(|cells| at(cells)));
        rows.push(row);
    }
    written(&rows)
}

fn written(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing into memory does not fail.
        let _ = writer.write_record(row.iter().map(|cell| quoted(cell).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}

/// Returns the cell of each product for a value that rows share: empty where a row without it has the same.
fn cells(products: &[&ProductDetails], read: impl Fn(&ProductDetails) -> String) -> Vec<String> {
    let values: Vec<String> = products.iter().map(|details| read(details)).collect();
    let Some(first) = values.iter().position(|value| !value.is_empty()) else { return values };
    let shared = values.get(first).cloned().unwrap_or_default();
    let cell = |(index, value): (usize, String)| match value {
        value if value == shared && index != first => String::new(),
        value if value.is_empty() => NONE.to_owned(),
        value => value,
    };
    values.into_iter().enumerate().map(cell).collect()
}

fn description(details: &ProductDetails) -> String {
    if details.description_html.is_empty() { escaped(&details.description) } else { details.description_html.clone() }
}

/// Returns the path of the category, from the top level down.
fn category(tree: &CategoryTree, details: &ProductDetails) -> String {
    let mut names = Vec::new();
    let mut node = tree.get(details.category_id);
    // The bound keeps damaged data from looping forever.
    for _ in 0..=tree.nodes().len() {
        let Some(category) = node else { break };
        names.push(category.name.replace('>', "\\>"));
        node = category.parent_id.and_then(|parent| tree.get(parent));
    }
    names.reverse();
    names.join(" > ")
}

/// Returns the value of an attribute, if it belongs into a column of the format or, otherwise, into one of its own.
fn attribute(details: &ProductDetails, name: &str, is_column_of_format: bool) -> String {
    let value = details.attributes.get(name).map_or("", String::as_str);
    match has_own_column(name, value) {
        own if own != is_column_of_format => String::new(),
        true if name == "Weight" => grams(value).unwrap_or_default().to_owned(),
        _ => value.to_owned(),
    }
}

/// Returns the pictures that all products have, in the order of the first.
fn common_pictures(products: &[CatalogueProduct]) -> Vec<ProductPicture> {
    let Some((first, rest)) = products.split_first() else { return Vec::new() };
    let is_same = |left: &ProductPicture, right: &ProductPicture| (&left.url, &left.alt) == (&right.url, &right.alt);
    let in_all = |picture: &&ProductPicture| {
        rest.iter().all(|product| product.details.pictures.iter().any(|other| is_same(other, picture)))
    };
    first.details.pictures.iter().filter(in_all).cloned().collect()
}

/// Returns the cell with the pictures that come before the shared ones: a URL, or lines of URL and alternative text.
fn own_pictures(pictures: &[ProductPicture], shared: &[ProductPicture]) -> String {
    let urls: Vec<&str> = pictures.iter().map(|picture| picture.url.as_str()).collect();
    let is_rest = |own: &[&str], rest: &[&str]| {
        let expected = shared.iter().map(|picture| picture.url.as_str()).filter(|url| !own.contains(url));
        expected.eq(rest.iter().copied())
    };
    let fits = |count: &usize| urls.split_at_checked(*count).is_some_and(|(own, rest)| is_rest(own, rest));
    let count = (0..=urls.len()).find(fits).unwrap_or(urls.len());
    let lines = pictures.iter().take(count).map(|picture| format!("{} {}", picture.url, picture.alt).trim().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a handle that no other group has: the slug of the first product, without its option values.
fn free_handle(export: &mut Export, first: &CatalogueProduct) -> String {
    let slug = &first.details.slug;
    let values: Vec<&str> = first.details.options.iter().map(|option| option.value.as_str()).collect();
    let base = slug.strip_suffix(&slugify(&values.join(" "))).and_then(|base| base.strip_suffix('-'));
    let candidates = base.into_iter().filter(|base| !base.is_empty()).map(str::to_owned);
    let candidates = candidates.chain([slug.clone()]);
    let numbered = (0..).map(|number| format!("{slug}-{}-{number}", first.product_id));
    let handle = candidates.chain(numbered).find(|handle| !export.handles.contains(handle)).unwrap_or_default();
    export.handles.insert(handle.clone());
    handle
}
