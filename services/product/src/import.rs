//! Imports a catalogue: a CSV file with the columns of Shopify's product export.
//!
//! Every row with a price is a product of its own, known by its SKU. An import repeated changes nothing.

mod plain_text;
mod rows;

use serde::Serialize;
use souk_sql::SqlError;
use utoipa::ToSchema;

pub use rows::Unreadable;
pub(crate) use rows::{CatalogueRow, is_image_url};

use crate::{
    ProductStore,
    store::{Chunk, RowOutcome, StoreError},
};

/// Rows in one transaction.
const CHUNK: usize = 200;

/// What an import did, in products.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "created": 61, "updated": 2, "unchanged": 204, "rejected": [{"line": 17, "reason": "Variant Price: '12,50' is no price"}]
}))]
pub struct ImportReport {
    /// New.
    pub created: u64,
    /// Changed; stock never is.
    pub updated: u64,
    /// So already.
    pub unchanged: u64,
    /// Rows that were left out.
    pub rejected: Vec<RejectedRow>,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// Where it begins in the file; the heading is line 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Why a file cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not such a file.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed; what was imported before stays, and the import may be repeated.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports `csv` into `store`. `progress` is told how many rows are done, of how many.
pub async fn import_csv(
    store: &ProductStore,
    csv: &[u8],
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<ImportReport, ImportError> {
    let rows::Sheet { rows, rejected } = rows::read(csv, store.currency())?;
    let mut report = ImportReport { rejected, ..ImportReport::default() };
    let total = rows.len();
    let ids = store.product_ids(total);
    let mut numbered = rows.into_iter().zip(ids);
    let mut done = 0;
    loop {
        let chunk: Vec<_> = numbered.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        done += chunk.len();
        let lines: Vec<u64> = chunk.iter().map(|(row, _)| row.line).collect();
        for (line, outcome) in lines.into_iter().zip(take(store, Chunk(chunk)).await?) {
            report.count(line, outcome);
        }
        progress(done, total);
    }
    report.rejected.sort_by_key(|row| row.line);
    Ok(report)
}

/// Takes a chunk; if some row of it clashes with the store, one row after another, so that only that row is left out.
async fn take(store: &ProductStore, chunk: Chunk) -> Result<Vec<RowOutcome>, StoreError> {
    match store.import(chunk.clone()).await {
        Err(StoreError::Sql(SqlError::Unique(_))) => {}
        outcome => return outcome,
    }
    let mut outcomes = Vec::with_capacity(chunk.0.len());
    for (row, _) in chunk.0 {
        let fresh = store.product_ids(1).into_iter().map(|id| (row.clone(), id)).collect();
        match store.import(Chunk(fresh)).await {
            Err(StoreError::Sql(SqlError::Unique(_))) => {
                outcomes.push(RowOutcome::Rejected("another product has this SKU or slug".to_owned()));
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
