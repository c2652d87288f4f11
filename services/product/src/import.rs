//! Import of a catalogue: a CSV file with the columns of Shopify's product export.
//!
//! Every row with a price is a product of its own, identified by its SKU. A repeated import changes nothing.

mod plain_text;
mod rows;

use serde::Serialize;
use souk_sql::SqlError;
use utoipa::ToSchema;

pub use rows::UnreadableFile;
pub(crate) use rows::{CatalogueRow, is_image_url};

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
    "created": 61, "updated": 2, "unchanged": 204, "rejected": [{"line": 17, "reason": "Variant Price: '12,50' is not a price"}]
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
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// Line of the file at which the row begins; the heading is line 1.
    pub line: u64,
    /// Reason as a sentence that begins with the column, such as `Variant Price: 'ten' is not a price`.
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Unreadable(#[from] UnreadableFile),
    /// Batches that were written before the failure stay; the import may be repeated.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports `csv` into `store`. After each batch, `progress` is called with the numbers of finished and of all rows.
pub async fn import_csv(
    store: &ProductStore,
    csv: &[u8],
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<ImportReport, ImportError> {
    let rows::Sheet { rows, rejected } = rows::parse(csv, store.currency())?;
    let mut report = ImportReport { rejected, ..ImportReport::default() };
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
        for (line, outcome) in lines.into_iter().zip(import_batch(store, ImportBatch(batch)).await?) {
            report.count(line, outcome);
        }
        progress(done, total);
    }
    report.rejected.sort_by_key(|row| row.line);
    Ok(report)
}

/// Imports a batch. If one of its rows violates a unique index, imports row by row, so that only that row is left out.
async fn import_batch(store: &ProductStore, batch: ImportBatch) -> Result<Vec<RowOutcome>, StoreError> {
    match store.import(batch.clone()).await {
        Err(StoreError::Sql(SqlError::Unique(_))) => {}
        outcome => return outcome,
    }
    let mut outcomes = Vec::with_capacity(batch.0.len());
    for (row, _) in batch.0 {
        let fresh = store.product_ids(1).into_iter().map(|id| (row.clone(), id)).collect();
        match store.import(ImportBatch(fresh)).await {
            Err(StoreError::Sql(SqlError::Unique(_))) => {
                outcomes.push(RowOutcome::Rejected("another product already has this SKU or slug".to_owned()));
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
