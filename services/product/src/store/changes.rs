//! Changes of transactions, for the index: noted once they have ended, so that the index reads what was committed.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};
use souk_sql::SqlError;
use souk_values::{Id as _, ProductId, Timestamp};
use tokio::sync::{Notify, watch};

use super::{
    ProductStore, StoreError,
    entities::{product, stock_movement},
    rows::{self, ProductRow},
};
use crate::product::CatalogueProduct;

/// Time after which a change is read a second time: the transaction of a caller that went away may end after it was noted.
const SECOND_READ: Duration = Duration::from_secs(2);
/// Time for which the moves of orders are collected before they are read.
const MOVES_COLLECTED_FOR: Duration = Duration::from_millis(100);
/// Time for which an import's products are collected: each commit of the index costs as much as a thousand of its documents.
const IMPORTS_COLLECTED_FOR: Duration = Duration::from_millis(800);
/// Products that are read at a time.
const PART: usize = 500;

/// Changes since the index read them last. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Changes(Arc<Noted>);

#[derive(Debug)]
struct Noted {
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// Number of the last edit that the index shows; `None` as long as there is no index that follows.
    shown: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Number of the last edit.
    last: u64,
    batch: ChangeBatch,
    again: BTreeSet<ProductId>,
    again_at: Option<Instant>,
}

/// Cause of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum By {
    /// Often; no caller waits until it is shown.
    #[default]
    Order,
    /// Often, and the end of the import waits for all of it.
    Import,
    /// Rarely, and the admin waits.
    Admin,
}

/// Changes that are read together.
#[derive(Debug, Default, Clone)]
pub(crate) struct ChangeBatch {
    /// Number of the last edit among them.
    pub last: u64,
    pub products: BTreeSet<ProductId>,
    /// True when the tree of categories changed.
    pub categories: bool,
    /// True when somebody waits for one of them, as an admin does after an edit and an import at its end.
    pub is_urgent: bool,
    /// True when an import changed one of them.
    pub is_of_import: bool,
}

impl ChangeBatch {
    fn has_changes(&self) -> bool {
        self.categories || !self.products.is_empty()
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self(Arc::new(Noted { waiting: Mutex::default(), wake: Notify::new(), shown: watch::Sender::new(None) }))
    }
}

impl Changes {
    /// Notes products, and that they are to be read once more a little later.
    fn note_products(&self, products: BTreeSet<ProductId>, by: By) {
        if products.is_empty() {
            return;
        }
        let mut waiting = self.0.waiting.lock();
        waiting.last += u64::from(by != By::Order);
        waiting.again.extend(&products);
        waiting.again_at.get_or_insert_with(|| Instant::now() + SECOND_READ);
        waiting.batch.products.extend(products);
        waiting.batch.is_urgent |= by == By::Admin;
        waiting.batch.is_of_import |= by == By::Import;
        drop(waiting);
        self.0.wake.notify_one();
    }

    /// Notes products that another process may have changed.
    pub(crate) fn note_seen(&self, products: impl IntoIterator<Item = ProductId>) {
        self.0.waiting.lock().batch.products.extend(products);
        self.0.wake.notify_one();
    }

    pub(super) fn note_categories(&self, by: By) {
        let mut waiting = self.0.waiting.lock();
        waiting.last += 1;
        waiting.batch.categories = true;
        waiting.batch.is_urgent |= by == By::Admin;
        drop(waiting);
        self.0.wake.notify_one();
    }

    /// Waits for changes, and collects further ones for a while, unless an admin changes something meanwhile.
    pub(crate) async fn next(&self) -> ChangeBatch {
        let mut began: Option<Instant> = None;
        loop {
            let until = {
                let mut waiting = self.0.waiting.lock();
                if waiting.again_at.is_some_and(|at| at <= Instant::now()) {
                    waiting.again_at = None;
                    let again = std::mem::take(&mut waiting.again);
                    waiting.batch.products.extend(again);
                }
                let has_changes = waiting.batch.has_changes();
                let collected_for =
                    if waiting.batch.is_of_import { IMPORTS_COLLECTED_FOR } else { MOVES_COLLECTED_FOR };
                let began = has_changes.then(|| *began.get_or_insert_with(Instant::now));
                if waiting.batch.is_urgent || began.is_some_and(|began| began.elapsed() >= collected_for) {
                    let last = waiting.last;
                    return ChangeBatch { last, ..std::mem::take(&mut waiting.batch) };
                }
                began.map(|began| began + collected_for).or(waiting.again_at)
            };
            let woken = self.0.wake.notified();
            match until {
                Some(until) => drop(tokio::time::timeout_at(until.into(), woken).await),
                None => woken.await,
            }
        }
    }

    /// Puts back changes that could not be read.
    pub(crate) fn put_back(&self, batch: ChangeBatch) {
        let mut waiting = self.0.waiting.lock();
        waiting.batch.products.extend(batch.products);
        waiting.batch.categories |= batch.categories;
    }

    /// Wakes those who wait for the edits up to number `last`.
    pub(crate) fn shown_up_to(&self, last: u64) {
        self.0.shown.send_modify(|shown| *shown = (*shown).max(Some(last)));
    }

    /// Waits until the index shows every edit that was noted so far, at most for `limit`. Without an index that follows, the
    /// store answers, which has them.
    pub(crate) async fn shown(&self, limit: Duration) {
        let wanted = {
            let mut waiting = self.0.waiting.lock();
            // No further ones are collected, for which the caller would wait.
            waiting.batch.is_urgent |= waiting.batch.has_changes();
            Some(waiting.last)
        };
        self.0.wake.notify_one();
        let mut shown = self.0.shown.subscribe();
        if tokio::time::timeout(limit, shown.wait_for(|shown| shown.is_none() || *shown >= wanted)).await.is_err() {
            tracing::debug!("the index is behind: the next reads may show the catalogue before this change");
        }
    }
}

/// Products that a transaction changed. They are noted when the last clone is dropped, which is once the transaction has
/// ended; those of one that was rolled back are read in vain.
#[derive(Debug, Clone)]
pub(super) struct Touched(Arc<TouchedProducts>);

#[derive(Debug)]
struct TouchedProducts {
    changes: Changes,
    products: Mutex<(BTreeSet<ProductId>, By)>,
}

impl Touched {
    pub(super) fn new(changes: Changes) -> Self {
        Self(Arc::new(TouchedProducts { changes, products: Mutex::default() }))
    }

    /// An admin or an import changed the product.
    pub(super) fn edited(&self, product: ProductId, by: By) {
        let mut products = self.0.products.lock();
        products.0.insert(product);
        products.1 = by.max(products.1);
    }

    /// An order moved units of the products.
    pub(super) fn moved(&self, ids: impl IntoIterator<Item = ProductId>) {
        self.0.products.lock().0.extend(ids);
    }
}

impl Drop for TouchedProducts {
    fn drop(&mut self) {
        let (products, by) = std::mem::take(self.products.get_mut());
        self.changes.note_products(products, by);
    }
}

/// The part of a product that shows whether the index has it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProductState {
    pub product_id: ProductId,
    pub group_id: ProductId,
    pub version: i64,
    pub stock: i64,
    pub sold: i64,
    pub hidden: bool,
}

#[derive(Debug, FromQueryResult)]
struct StateRow {
    product_id: i64,
    group_id: i64,
    version: i64,
    stock: i64,
    sold: i64,
    hidden: bool,
}

impl StateRow {
    fn state(self) -> Result<ProductState, SqlError> {
        let Self { product_id, group_id, version, stock, sold, hidden } = self;
        Ok(ProductState {
            product_id: rows::id(product_id)?,
            group_id: rows::id(group_id)?,
            version,
            stock,
            sold,
            hidden,
        })
    }
}

fn select_states() -> sea_orm::Select<product::Entity> {
    use product::Column;
    product::Entity::find().select_only().columns([
        Column::ProductId,
        Column::GroupId,
        Column::Version,
        Column::Stock,
        Column::Sold,
        Column::Hidden,
    ])
}

impl ProductStore {
    /// Returns what transactions of this process changed.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Returns true when other processes write the store too.
    pub(crate) fn is_shared(&self) -> bool {
        self.db.reader().get_database_backend() != DbBackend::Sqlite
    }

    /// Returns the states of those of `ids` that exist, hidden ones included.
    pub(crate) async fn states(&self, ids: &[ProductId]) -> Result<Vec<ProductState>, SqlError> {
        let mut states = Vec::with_capacity(ids.len());
        for part in ids.chunks(PART) {
            let query = select_states().filter(product::Column::ProductId.is_in(part.iter().map(|id| id.get())));
            let found = query.into_model::<StateRow>().all(self.db.reader()).await?;
            for row in found {
                states.push(row.state()?);
            }
        }
        Ok(states)
    }

    /// Returns the states of at most `count` visible products with greater ids than `after`, in the order of their ids.
    pub(crate) async fn states_after(
        &self,
        after: Option<ProductId>,
        count: u64,
    ) -> Result<Vec<ProductState>, SqlError> {
        let found = select_states()
            .filter(rows::is_visible(true))
            .filter(product::Column::ProductId.gt(after.map_or(i64::MIN, ProductId::get)))
            .order_by_asc(product::Column::ProductId)
            .limit(count)
            .into_model::<StateRow>()
            .all(self.db.reader())
            .await?;
        found.into_iter().map(StateRow::state).collect()
    }

    /// Returns the visible products of `groups`, group by group, in the order of their variants.
    pub(crate) async fn products_of_groups(&self, groups: &[ProductId]) -> Result<Vec<CatalogueProduct>, StoreError> {
        use product::Column;
        let mut products = Vec::new();
        for part in groups.chunks(PART) {
            let found = rows::select_products()
                .filter(Column::GroupId.is_in(part.iter().map(|id| id.get())))
                .filter(rows::is_visible(true))
                .order_by_asc(Column::GroupId)
                .order_by_asc(Column::GroupPosition)
                .order_by_asc(Column::ProductId)
                .into_model::<ProductRow>()
                .all(self.db.reader())
                .await?;
            for row in found {
                products.push(rows::read_product(row, self.currency)?);
            }
        }
        Ok(products)
    }

    /// Returns the products that were edited, or whose stock moved, at or after `since`, by any process.
    pub(crate) async fn changed_since(&self, since: Timestamp) -> Result<BTreeSet<ProductId>, SqlError> {
        let edited: Vec<i64> = product::Entity::find()
            .select_only()
            .column(product::Column::ProductId)
            .filter(product::Column::UpdatedAt.gte(since.millis()))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let moved: Vec<i64> = stock_movement::Entity::find()
            .select_only()
            .column(stock_movement::Column::ProductId)
            .distinct()
            .filter(stock_movement::Column::CreatedAt.gte(since.millis()))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        edited.into_iter().chain(moved).map(rows::id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_an_import_ends_its_collecting() {
        let changes = Changes::default();
        changes.shown_up_to(0);
        changes.note_products(BTreeSet::from([rows::id(7).unwrap()]), By::Import);
        let (began, limit) = (Instant::now(), IMPORTS_COLLECTED_FOR * 100);
        let index = async {
            let batch = changes.next().await;
            changes.shown_up_to(batch.last);
            batch.is_urgent
        };
        let (is_urgent, ()) = tokio::join!(index, changes.shown(limit));
        assert!(is_urgent && began.elapsed() < limit, "{:?}", began.elapsed());
        changes.shown(limit).await;
        let nothing = tokio::time::timeout(MOVES_COLLECTED_FOR, changes.next()).await;
        assert!(nothing.is_err(), "a wait for nothing is no change");
    }
}
