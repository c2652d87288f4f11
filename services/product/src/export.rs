//! Export of the catalogue: a CSV file with the present columns of Shopify, which [`import`](crate::import) reads back
//! without changing anything.
//!
//! Visible products only. What the format has no column for has one of its own: further attributes as metafields, names that
//! are not made of title and options, further pictures of a variant.

mod group;

use std::collections::{BTreeSet, HashSet};

use axum::body::Bytes;
use futures::{Stream, stream::try_unfold};

use crate::{
    ProductStore,
    category::CategoryTree,
    product::ProductDetails,
    store::StoreError,
    variant::{full_name, title},
};

/// Columns for options, even if no product has so many.
const MIN_OPTIONS: usize = 3;

/// Columns that depend on the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Number of options that a product has at most.
    options: usize,
    /// Names of the attributes without a column of the format.
    attributes: BTreeSet<String>,
    /// True if a variant has a name that is not made of title and options.
    has_names: bool,
}

impl Columns {
    /// Adds what a product requires.
    pub(crate) fn add(&mut self, details: &ProductDetails) {
        self.options = self.options.max(details.options.len());
        self.has_names |= own_name(details).is_some();
        for (name, value) in &details.attributes {
            if !has_own_column(name, value) && !self.attributes.contains(name) {
                self.attributes.insert(name.clone());
            }
        }
    }
}

enum Step {
    Begin,
    /// Groups after this id.
    After(Box<Export>, i64),
}

struct Export {
    columns: Columns,
    tree: CategoryTree,
    /// Handles that groups have already.
    handles: HashSet<String>,
}

/// Returns the file in parts. Groups that change meanwhile are as they are when their part is read.
pub fn export_csv(store: ProductStore) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
    try_unfold((store, Step::Begin), |(store, step)| next_part(store, step))
}

async fn next_part(store: ProductStore, step: Step) -> Result<Option<(Bytes, (ProductStore, Step))>, StoreError> {
    let (part, next) = match step {
        Step::Begin => {
            let columns = store.export_columns().await?;
            let export = Export { columns, tree: store.categories().await?, handles: HashSet::new() };
            (group::heading(&export.columns), Step::After(Box::new(export), i64::MIN))
        }
        Step::After(mut export, last) => {
            let Some((products, last)) = store.export_groups(last).await? else { return Ok(None) };
            let mut rows = Vec::new();
            for group in products.chunk_by(|left, right| left.group_id() == right.group_id()) {
                rows.extend(group::rows(&mut export, group));
            }
            (Bytes::from(rows), Step::After(export, last))
        }
    };
    Ok(Some((part, (store, next))))
}

/// Returns the name of a variant, if it is not made of title and options.
fn own_name(details: &ProductDetails) -> Option<&str> {
    let title = title(&details.name, &details.options);
    Some(details.name.as_str()).filter(|name| full_name(title, &details.options) != *name)
}

/// Returns true for an attribute that the format has a column for.
fn has_own_column(name: &str, value: &str) -> bool {
    match name {
        "Barcode" => !value.contains('\n'),
        "Weight" => grams(value).is_some(),
        _ => false,
    }
}

/// Returns the number of a weight in grams, such as `900 g`.
fn grams(value: &str) -> Option<&str> {
    let number = value.strip_suffix(" g")?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0') && number.len() <= 9;
    Some(number).filter(|number| is_number && !number.is_empty())
}
