//! A row of a file in the terms of the catalogue, whatever its dialect.

use std::borrow::Cow;

/// Cell that says that a product has none of what the other rows of its group have.
pub(crate) const NONE: &str = "(none)";

/// Product as a row describes it. Rows of one group complete each other.
#[derive(Debug)]
pub(super) struct Item {
    pub line: u64,
    /// Identity of the group, the same in all its rows.
    pub handle: String,
    /// Text that slugs are made of.
    pub slug_source: String,
    pub shared: Shared,
    /// Picture of the whole group.
    pub images: Vec<Image>,
    /// The product of the row: `None` for a row that only adds to its group, an error with the reason to leave it out.
    pub variant: Option<Result<Variant, String>>,
}

/// Values that rows of one group share: an empty one is that of the first row with a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Shared {
    pub title: String,
    pub description: String,
    pub brand: String,
    /// Path with `>` between the names.
    pub category: String,
    pub product_type: String,
    pub tags: String,
    /// Names of the options, by their numbers.
    pub option_names: Vec<String>,
    pub attributes: Vec<(String, String)>,
    /// Reason why the group is not for sale; empty if it is.
    pub withheld: String,
}

#[derive(Debug, Clone)]
pub(super) struct Image {
    /// Place among the pictures of the group.
    pub position: u32,
    pub url: String,
    pub alt: String,
}

/// Values of one product.
#[derive(Debug)]
pub(super) struct Variant {
    /// Name, if it is not made of title and options.
    pub name: String,
    pub sku: String,
    pub barcode: String,
    pub price: souk_values::Money,
    pub compare_at: Option<souk_values::Money>,
    pub quantity: i64,
    pub grams: Option<u128>,
    /// Values of the options with their names, which may be empty.
    pub options: Vec<(String, String)>,
    /// Its own pictures, before those of the group.
    pub images: Vec<Image>,
}

impl Shared {
    /// Takes what is missing from another row of the group.
    pub(super) fn complete_from(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.title, &other.title),
            (&mut self.description, &other.description),
            (&mut self.brand, &other.brand),
            (&mut self.category, &other.category),
            (&mut self.product_type, &other.product_type),
            (&mut self.tags, &other.tags),
            (&mut self.withheld, &other.withheld),
        ] {
            if own.is_empty() && others != NONE {
                own.clone_from(others);
            }
        }
        for (index, name) in other.option_names.iter().enumerate() {
            match self.option_names.get_mut(index) {
                Some(own) if own.is_empty() => own.clone_from(name),
                Some(_) => {}
                None => self.option_names.push(name.clone()),
            }
        }
        for (name, value) in &other.attributes {
            if value != NONE && self.attributes.iter().all(|(own, _)| own != name) {
                self.attributes.push((name.clone(), value.clone()));
            }
        }
    }
}

/// Returns the cell, or nothing for [`NONE`].
pub(super) fn unless_none(cell: &str) -> &str {
    if cell == NONE { "" } else { cell }
}

/// Returns the cell without the apostrophe that keeps spreadsheets from reading it as a formula.
pub(super) fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest.trim_start_matches('\''))).unwrap_or(cell)
}

/// Returns the cell with an apostrophe, if a spreadsheet would read it as a formula. Signed numbers are none.
pub(crate) fn quoted(cell: &str) -> Cow<'_, str> {
    if is_formula(cell.trim_start_matches('\'')) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn is_formula(cell: &str) -> bool {
    let is_number = || cell.chars().skip(1).all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ','));
    match cell.chars().next() {
        Some('=' | '@') => true,
        Some('+' | '-') => !is_number(),
        _ => false,
    }
}
