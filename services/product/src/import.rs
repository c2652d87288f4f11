//! Import of a catalogue: a CSV file of Shopify or WooCommerce.
//!
//! Every row with a price is a product of its own, identified by its SKU or, without one, by its handle and options. A
//! repeated import changes nothing.

mod catalogue;
mod encoding;
mod item;
mod layout;
mod numbers;
mod sheet;
mod shopify;
#[cfg(test)]
mod tests;
mod values;
mod woocommerce;

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde::Serialize;
use souk_sql::SqlError;
use utoipa::ToSchema;

pub(crate) use catalogue::{CatalogueRow, RowId};
pub(crate) use item::{NONE, quoted};
pub(crate) use shopify::METAFIELD;
pub(crate) use values::is_image_url;

use crate::{
    ProductStore,
    store::{ImportBatch, RowOutcome, StoreError},
};

/// Rows in one transaction: large enough to be fast, small enough not to hold up other writers for long.
const BATCH: usize = 200;

/// Result of an import, in products.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "created": 61, "updated": 2, "unchanged": 204,
    "rejected": [{"line": 17, "reason": "Price: '1,299' can mean 1299 and 1.29; write 1299.00 or 1.29"}],
    "ignoredColumns": ["SEO Title"]
}))]
pub struct ImportReport {
    /// Number of products that were created.
    pub created: u64,
    /// Number of products that were changed; an import never changes stock.
    pub updated: u64,
    /// Number of products that already had all the values of their row.
    pub unchanged: u64,
    /// Rows that were left out, in the order of the file.
    pub rejected: Vec<RejectedRow>,
    /// Headings of the file's columns that are not used.
    pub ignored_columns: Vec<String>,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// Line of the file at which the row begins; the heading is line 1.
    pub line: u64,
    /// Reason as a sentence that begins with the column as the file calls it, such as `Price: 'ten' is not a price`.
    pub reason: String,
}

/// A defect of the whole file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFile {
    /// A required column is missing.
    #[error("the first line of the file must name the columns of Shopify or WooCommerce, and '{0}' is missing")]
    NoColumn(&'static str),
    #[error("the file is a spreadsheet; save it as CSV, and import that")]
    Spreadsheet,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Unreadable(#[from] UnreadableFile),
    /// Batches that were written before the failure stay; the import may be repeated.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Longest time that an import waits, once all is stored, until lists show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// Imports `csv` into `store`. After each batch, `progress` is called with the numbers of finished and of all rows.
pub async fn import_csv(
    store: &ProductStore,
    csv: &[u8],
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<ImportReport, ImportError> {
    let (file, currency) = (csv.to_vec(), store.currency());
    // Seconds for a large file, during which the thread would serve no request.
    let parsed = tokio::task::spawn_blocking(move || catalogue::parse(&file, currency)).await;
    let parsed = parsed.map_err(|error| StoreError::Sql(SqlError::Failed(error.to_string())))?;
    let catalogue::Catalogue { rows, rejected, ignored_columns } = parsed?;
    let mut report = ImportReport { rejected, ignored_columns, ..ImportReport::default() };
    let skus = rows.iter().filter_map(|row| row.id().sku).collect::<HashSet<_>>();
    let skus = Arc::new(skus);
    let total = rows.len();
    let ids = store.product_ids(total);
    let mut numbered = rows.into_iter().zip(ids);
    let mut done = 0;
    loop {
        let batch: Vec<_> = numbered.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        done += batch.len();
        let lines: Vec<u64> = batch.iter().map(|(row, _)| row.line).collect();
        for (line, outcome) in
            lines.into_iter().zip(import_batch(store, ImportBatch { rows: batch, skus: Arc::clone(&skus) }).await?)
        {
            report.count(line, outcome);
        }
        progress(done, total);
    }
    report.rejected.sort_by_key(|row| row.line);
    store.changes().shown(SHOWN_WITHIN).await;
    Ok(report)
}

/// Imports a batch. If the store refuses one of its rows, imports row by row, so that only that row is left out.
async fn import_batch(store: &ProductStore, batch: ImportBatch) -> Result<Vec<RowOutcome>, StoreError> {
    match store.import(batch.clone()).await {
        Err(StoreError::Sql(SqlError::Unique(_) | SqlError::Constraint(_))) => {}
        outcome => return outcome,
    }
    let mut outcomes = Vec::with_capacity(batch.rows.len());
    for (row, _) in batch.rows {
        let line = row.line;
        let rows = store.product_ids(1).into_iter().map(|id| (row.clone(), id)).collect();
        match store.import(ImportBatch { rows, skus: Arc::clone(&batch.skus) }).await {
            Err(StoreError::Sql(SqlError::Unique(_))) => {
                outcomes.push(RowOutcome::Rejected("another product already has this SKU or slug".to_owned()));
            }
            Err(StoreError::Sql(SqlError::Constraint(message))) => {
                tracing::warn!(line, %message, "the store refused a row of an import");
                outcomes.push(RowOutcome::Rejected("the store cannot hold one of its values".to_owned()));
            }
            outcome => outcomes.extend(outcome?),
        }
    }
    Ok(outcomes)
}

impl ImportReport {
    fn count(&mut self, line: u64, outcome: RowOutcome) {
        match outcome {
            RowOutcome::Created => self.created += 1,
            RowOutcome::Updated => self.updated += 1,
            RowOutcome::Unchanged => self.unchanged += 1,
            RowOutcome::Rejected(reason) => self.rejected.push(RejectedRow { line, reason }),
        }
    }
}
