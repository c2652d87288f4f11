//! The feed: keeps the index as the store is.
//!
//! Changes of this process are noted once their transactions have ended. Those of other processes are found by time: each
//! look covers the last seconds before the one before it, so that a transaction that ends late is not missed. A start reads what
//! has changed since the [kept] index was complete, or compares the version of every product when none was kept.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use souk_kit::tasks::Task;
use souk_values::{ProductId, Timestamp};

use super::{CatalogueIndex, IndexError, shelf::Known, tree::NamedTree, units::Units, write::Made};
use crate::{
    app::App,
    store::{ChangeBatch, ProductState, ProductStore, StoreError},
};

/// Time between two looks at what other processes changed.
const LOOK_PERIOD: Duration = Duration::from_millis(500);
/// Time that a look reaches back before the one before it.
const OVERLAP: Duration = Duration::from_secs(10);
/// Time between two readings of the categories, which few processes change and rarely.
const TREE_PERIOD: Duration = Duration::from_secs(5);
/// Time between two comparisons of the whole catalogue, which would end any difference that all else left behind.
const SWEEP_PERIOD: Duration = Duration::from_secs(600);
/// Time from the start to one of them: a service that this one replaces may change products until it has ended.
const SWEEP_AFTER_START: Duration = Duration::from_secs(30);
/// Rests of one of them between its parts, in times of what the part took: it leaves most of a core to the shop.
const SWEEP_RESTS: u32 = 4;
/// Products that it compares at a time.
const SWEPT_AT_ONCE: u64 = 4_000;
/// Time until a failed reading is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Products that are compared at a time.
const COMPARED_AT_ONCE: u64 = 20_000;
/// Products that may have changed while the service was away. If more have, comparing all of them is quicker.
const MAX_CHANGED: usize = 50_000;
/// Groups whose documents are made at a time.
const MADE_AT_ONCE: usize = 2_000;

#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// The task that feeds the index of `app`, if it has one.
pub(crate) fn task(app: &App) -> Option<Task> {
    let index = app.index.clone()?;
    let feed = Feed { store: app.store.clone(), index, looked_at: Mutex::default() };
    Some(Task::new("feed_index", move |stop| async move {
        stop.run_until_cancelled(feed.run()).await;
        feed.keep().await;
    }))
}

/// Pace of a comparison of the whole catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Lists wait for it.
    Urgent,
    /// It runs beside the shop's work.
    Gentle,
}

struct Feed {
    store: ProductStore,
    index: CatalogueIndex,
    /// Time of the last look at the changes of other processes.
    looked_at: Mutex<Option<Timestamp>>,
}

impl Feed {
    async fn run(&self) {
        // Changes of others are looked for from here on: a comparison may have read a product before they came.
        *self.looked_at.lock() = self.store.is_shared().then(|| self.store.now());
        let is_resumed = loop {
            match self.catch_up().await {
                Ok(is_resumed) => break is_resumed,
                Err(error) => {
                    tracing::warn!(%error, "the index of the catalogue cannot be filled yet; the store answers meanwhile");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        };
        if self.store.is_shared() {
            tokio::join!(self.follow(), self.sweep(is_resumed), self.look());
        } else {
            tokio::join!(self.follow(), self.sweep(is_resumed));
        }
    }

    /// Brings the index up to the store. Returns false when that took a comparison of the whole catalogue.
    async fn catch_up(&self) -> Result<bool, FeedError> {
        let (began, known_at) = (Instant::now(), self.known_at());
        self.read_tree().await?;
        let is_resumed = self.resume().await?;
        if !is_resumed {
            self.compare_all().await?;
        }
        self.complete(known_at);
        self.store.changes().shown_up_to(0);
        self.index.0.is_ready.store(true, Ordering::Release);
        tracing::info!(
            products = self.index.products(),
            is_resumed,
            took_ms = began.elapsed().as_millis(),
            "the index of the catalogue is ready"
        );
        Ok(is_resumed)
    }

    /// Reads what has changed since the index was complete. Returns false when that is not known, or too much has.
    async fn resume(&self) -> Result<bool, FeedError> {
        let Some(complete_at) = *self.index.0.complete_at.lock() else { return Ok(false) };
        // A clock that was set back says nothing of what changed since.
        if complete_at > self.store.now() {
            return Ok(false);
        }
        let changed = self.store.changed_since(complete_at.minus(OVERLAP)).await.map_err(StoreError::from)?;
        if changed.len() > MAX_CHANGED {
            return Ok(false);
        }
        self.apply(&ChangeBatch { products: changed, ..ChangeBatch::default() }, false).await?;
        Ok(true)
    }

    /// Returns the time before which this process knows of every change, also of those that it has yet to apply.
    fn known_at(&self) -> Timestamp {
        self.looked_at.lock().unwrap_or_else(|| self.store.now())
    }

    /// Notes that every change before a time is in the index.
    fn complete(&self, complete_at: Timestamp) {
        *self.index.0.complete_at.lock() = Some(complete_at);
    }

    /// Keeps the units for the next start, which is slower without them.
    async fn keep(&self) {
        let index = self.index.clone();
        let Some(complete_at) = *index.0.complete_at.lock() else { return };
        // Writing a file blocks.
        let written = tokio::task::spawn_blocking(move || index.keep_units(complete_at)).await;
        if let Err(error) = written.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked))) {
            tracing::warn!(%error, "the units of the index cannot be kept; the next start compares the whole catalogue");
        }
    }

    /// Makes the documents of all groups that the index has not as the store has them.
    async fn compare_all(&self) -> Result<(), FeedError> {
        let mut differing = BTreeSet::new();
        let gone = self
            .each_state(Pace::Urgent, |states| {
                if self.compare(states, &mut differing) {
                    self.index.0.moves.fetch_add(1, Ordering::AcqRel);
                }
            })
            .await?;
        self.leave(gone, &mut differing);
        self.make(differing.into_iter().collect()).await
    }

    /// Reads the states of all visible products, part by part. Returns the products of the index that are not among them.
    async fn each_state(
        &self,
        pace: Pace,
        mut look_at: impl FnMut(&[ProductState]),
    ) -> Result<Vec<ProductId>, FeedError> {
        let at_once = if pace == Pace::Gentle { SWEPT_AT_ONCE } else { COMPARED_AT_ONCE };
        // In rising order, as the store reads them.
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let began = Instant::now();
            let states = self.store.states_after(after, at_once).await.map_err(StoreError::from)?;
            let Some(last) = states.last() else { break };
            after = Some(last.product_id);
            seen.extend(states.iter().map(|state| state.product_id));
            look_at(&states);
            if pace == Pace::Gentle {
                tokio::time::sleep(began.elapsed() * SWEEP_RESTS).await;
            }
        }
        let is_gone = |id: &ProductId| seen.binary_search(id).is_err();
        Ok(self.index.0.shelf.read().product_ids().filter(is_gone).collect())
    }

    /// Follows what this process changes.
    async fn follow(&self) {
        let mut tree_read = Instant::now();
        loop {
            let known_at = self.known_at();
            let batch: ChangeBatch =
                tokio::time::timeout(TREE_PERIOD, self.store.changes().next()).await.unwrap_or_default();
            let is_tree_due = batch.categories || tree_read.elapsed() >= TREE_PERIOD;
            match self.apply(&batch, is_tree_due).await {
                Ok(()) => {
                    if is_tree_due {
                        tree_read = Instant::now();
                    }
                    self.complete(known_at);
                    self.store.changes().shown_up_to(batch.last);
                }
                Err(error) => {
                    tracing::warn!(%error, "the index of the catalogue is behind the store; reading is tried again");
                    self.store.changes().put_back(batch);
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Compares the whole catalogue now and then, and keeps the units: first behind a start that resumed, since one that did not
    /// has just compared it.
    async fn sweep(&self, is_resumed: bool) {
        if is_resumed {
            self.sweep_once().await;
        }
        self.keep().await;
        tokio::time::sleep(SWEEP_AFTER_START).await;
        loop {
            self.sweep_once().await;
            self.keep().await;
            tokio::time::sleep(SWEEP_PERIOD).await;
        }
    }

    /// Compares the whole catalogue. A failure is left to the next time.
    async fn sweep_once(&self) {
        match self.note_differing().await {
            Ok(0) => {}
            // Most of them changed a moment ago.
            Ok(products) => tracing::debug!(products, "the index of the catalogue differed from the store"),
            Err(error) => tracing::warn!(%error, "the index of the catalogue cannot be compared with the store now"),
        }
    }

    /// Notes the products that the index has not as the store has them, so that they are read once more, and returns their
    /// number. What was read here may be older by now than the index.
    async fn note_differing(&self) -> Result<usize, FeedError> {
        let mut differing = Vec::new();
        let gone = self
            .each_state(Pace::Gentle, |states| {
                let goods = self.index.0.shelf.read();
                let is_other = |state: &&ProductState| {
                    goods.known(state.product_id) != Some(known(state))
                        || goods.units(state.product_id) != Some(units(state))
                };
                differing.extend(states.iter().filter(is_other).map(|state| state.product_id));
            })
            .await?;
        differing.extend(gone);
        let number = differing.len();
        self.store.changes().note_seen(differing);
        Ok(number)
    }

    /// Looks for what other processes change.
    async fn look(&self) {
        loop {
            let now = self.store.now();
            let since = self.looked_at.lock().unwrap_or(now).minus(OVERLAP);
            match self.store.changed_since(since).await {
                Ok(changed) => {
                    self.store.changes().note_seen(changed);
                    *self.looked_at.lock() = Some(now);
                }
                Err(error) => tracing::debug!(%error, "changes of other replicas cannot be read"),
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }

    async fn apply(&self, batch: &ChangeBatch, reads_tree: bool) -> Result<(), FeedError> {
        if reads_tree {
            self.read_tree().await?;
        }
        if batch.products.is_empty() {
            return Ok(());
        }
        let ids: Vec<ProductId> = batch.products.iter().copied().collect();
        let mut visible = self.store.states(&ids).await.map_err(StoreError::from)?;
        visible.retain(|state| !state.hidden);
        let mut differing = BTreeSet::new();
        let has_moved = self.compare(&visible, &mut differing);
        let shown: BTreeSet<ProductId> = visible.iter().map(|state| state.product_id).collect();
        self.leave(ids.into_iter().filter(|id| !shown.contains(id)), &mut differing);
        self.make(differing.into_iter().collect()).await?;
        if has_moved {
            // An admin who corrected the stock looks at it immediately.
            let counter = if batch.is_urgent { &self.index.0.edits } else { &self.index.0.moves };
            counter.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Takes over the units of products whose version the index has, and adds the groups of the others to `differing`. Returns
    /// true when units changed.
    fn compare(&self, states: &[ProductState], differing: &mut BTreeSet<ProductId>) -> bool {
        let goods = self.index.0.shelf.read();
        let mut has_moved = false;
        for state in states {
            let shown = goods.known(state.product_id);
            if shown == Some(known(state)) {
                has_moved |= goods.set_units(state.product_id, units(state));
                continue;
            }
            differing.insert(state.group_id);
            differing.extend(shown.map(|shown| shown.group_id));
        }
        has_moved
    }

    /// Adds the groups that these products leave to `differing`.
    fn leave(&self, products: impl IntoIterator<Item = ProductId>, differing: &mut BTreeSet<ProductId>) {
        let goods = self.index.0.shelf.read();
        differing.extend(products.into_iter().filter_map(|id| goods.known(id)).map(|shown| shown.group_id));
    }

    /// Makes the documents of groups, and puts the groups on the shelf.
    async fn make(&self, groups: Vec<ProductId>) -> Result<(), FeedError> {
        for part in groups.chunks(MADE_AT_ONCE) {
            let products = self.store.products_of_groups(part).await?;
            let made = Made::of(part, products);
            let index = self.index.clone();
            // Writing a folder blocks.
            let written = tokio::task::spawn_blocking(move || index.write(made)).await;
            written.map_err(|_| IndexError::Damaged("the writer panicked"))??;
        }
        Ok(())
    }

    async fn read_tree(&self) -> Result<(), FeedError> {
        let tree = self.store.categories().await?;
        if *self.index.0.tree.read().tree() == tree {
            return Ok(());
        }
        *self.index.0.tree.write() = NamedTree::new(tree).into();
        self.index.0.edits.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

const fn known(state: &ProductState) -> Known {
    Known { group_id: state.group_id, version: state.version }
}

const fn units(state: &ProductState) -> Units {
    Units { stock: state.stock, sold: state.sold }
}

#[cfg(test)]
mod tests;
