//! The feed: keeps the index as the store is.
//!
//! Changes of this process are noted once their transactions have ended. Those of other processes are found by time: each
//! look covers the last seconds before the one before it, so that a transaction that ends late is not missed. A start compares
//! the version of every product, and makes the documents of those that changed while the service was away.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use souk_kit::tasks::Task;
use souk_values::{ProductId, Timestamp};

use super::{
    CatalogueIndex, IndexError, Shown,
    matching::Places,
    shelf::{Known, ShelfEntry, Units},
};
use crate::{
    app::App,
    product::CatalogueProduct,
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
/// Time from the start to the first of them: a service that this one replaces may change products until it has ended.
const FIRST_SWEEP: Duration = Duration::from_secs(30);
/// Time until a failed reading is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Products that a start compares at a time.
const COMPARED_AT_ONCE: u64 = 20_000;
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
    let feed = Feed { store: app.store.clone(), index };
    Some(Task::new("feed_index", move |stop| async move {
        stop.run_until_cancelled(feed.run()).await;
    }))
}

struct Feed {
    store: ProductStore,
    index: CatalogueIndex,
}

/// The documents and shelf entries of some groups.
#[derive(Debug, Default)]
struct Made {
    groups: Vec<(ProductId, Vec<CatalogueProduct>)>,
    units: HashMap<ProductId, Units>,
}

impl Feed {
    async fn run(self) {
        while let Err(error) = self.catch_up().await {
            tracing::warn!(%error, "the index of the catalogue cannot be filled yet; the store answers meanwhile");
            tokio::time::sleep(RETRY_AFTER).await;
        }
        if self.store.is_shared() {
            tokio::join!(self.follow(), self.look());
        } else {
            self.follow().await;
        }
    }

    /// Compares every product with the index, and makes the documents that are missing or old.
    async fn catch_up(&self) -> Result<(), FeedError> {
        let began = Instant::now();
        self.read_tree().await?;
        let made = self.compare_all().await?;
        self.store.changes().shown_up_to(0);
        self.index.0.is_ready.store(true, Ordering::Release);
        tracing::info!(
            products = self.index.products(),
            groups_made = made,
            took_ms = began.elapsed().as_millis(),
            "the index of the catalogue is ready"
        );
        Ok(())
    }

    /// Makes the documents of all groups that the index has not as the store has them, and returns their number.
    async fn compare_all(&self) -> Result<usize, FeedError> {
        let mut seen = BTreeSet::new();
        let mut differing = BTreeSet::new();
        let mut after = None;
        loop {
            let states = self.store.states_after(after, COMPARED_AT_ONCE).await.map_err(StoreError::from)?;
            let Some(last) = states.last() else { break };
            after = Some(last.product_id);
            seen.extend(states.iter().map(|state| state.product_id));
            if self.compare(&states, &mut differing) {
                self.index.0.moves.fetch_add(1, Ordering::AcqRel);
            }
        }
        let gone: Vec<ProductId> = self.index.0.shelf.read().product_ids().filter(|id| !seen.contains(id)).collect();
        self.leave(&gone, &mut differing);
        let made = differing.len();
        self.make(differing.into_iter().collect()).await?;
        Ok(made)
    }

    /// Follows what this process changes.
    async fn follow(&self) {
        let (mut tree_read, mut sweep_at) = (Instant::now(), Instant::now() + FIRST_SWEEP);
        loop {
            if Instant::now() >= sweep_at {
                self.sweep().await;
                sweep_at = Instant::now() + SWEEP_PERIOD;
            }
            let batch: ChangeBatch =
                tokio::time::timeout(TREE_PERIOD, self.store.changes().next()).await.unwrap_or_default();
            let is_tree_due = batch.categories || tree_read.elapsed() >= TREE_PERIOD;
            match self.apply(&batch, is_tree_due).await {
                Ok(()) => {
                    if is_tree_due {
                        tree_read = Instant::now();
                    }
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

    /// Compares the whole catalogue once more. A failure is left to the next time.
    async fn sweep(&self) {
        match self.compare_all().await {
            Ok(0) => {}
            // Most of them changed a moment ago.
            Ok(groups) => {
                tracing::debug!(groups, "the index of the catalogue differed from the store, and was put right");
            }
            Err(error) => tracing::warn!(%error, "the index of the catalogue cannot be compared with the store now"),
        }
    }

    /// Looks for what other processes change.
    async fn look(&self) {
        let mut looked: Option<Timestamp> = None;
        loop {
            let now = self.store.now();
            let since = looked.unwrap_or(now).minus(OVERLAP);
            match self.store.changed_since(since).await {
                Ok(changed) => {
                    looked = Some(now);
                    self.store.changes().note_seen(changed);
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
        let states = self.store.states(&ids).await.map_err(StoreError::from)?;
        let (visible, hidden): (Vec<ProductState>, Vec<ProductState>) =
            states.into_iter().partition(|state| !state.hidden);
        let mut differing = BTreeSet::new();
        let has_moved = self.compare(&visible, &mut differing);
        self.leave(&hidden.iter().map(|state| state.product_id).collect::<Vec<_>>(), &mut differing);
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
            let known = goods.known(state.product_id);
            if known == Some(Known { group_id: state.group_id, version: state.version }) {
                let units = Units { stock: state.stock, sold: state.sold };
                has_moved |= goods.set_units(state.product_id, units);
                continue;
            }
            differing.insert(state.group_id);
            differing.extend(known.map(|known| known.group_id));
        }
        has_moved
    }

    /// Adds the groups that these products leave to `differing`.
    fn leave(&self, products: &[ProductId], differing: &mut BTreeSet<ProductId>) {
        let goods = self.index.0.shelf.read();
        differing.extend(products.iter().filter_map(|id| goods.known(*id)).map(|known| known.group_id));
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
        if **self.index.0.tree.read() == tree {
            return Ok(());
        }
        *self.index.0.tree.write() = tree.into();
        self.index.0.edits.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

impl Made {
    /// `products` are the visible ones of `groups`, group by group; a group without any leaves the index.
    fn of(groups: &[ProductId], products: Vec<CatalogueProduct>) -> Self {
        let mut made = Self::default();
        let mut members: HashMap<ProductId, Vec<CatalogueProduct>> = HashMap::new();
        for product in products {
            made.units.insert(product.product_id, Units { stock: product.stock, sold: product.sold });
            members.entry(product.group_id()).or_default().push(product);
        }
        made.groups = groups.iter().map(|group| (*group, members.remove(group).unwrap_or_default())).collect();
        made
    }
}

impl CatalogueIndex {
    /// Writes documents durably, and then shows them.
    fn write(&self, made: Made) -> Result<(), IndexError> {
        let Made { groups, units } = made;
        let mut entries = Vec::with_capacity(groups.len());
        {
            let mut goods = self.0.shelf.write();
            for (group_id, products) in groups {
                let entry = ShelfEntry::of(group_id, &products);
                entries.push((group_id, goods.place_for(group_id), entry, products));
            }
        }
        {
            let mut writer = self.0.writer.lock();
            for (group_id, place, entry, products) in &entries {
                writer.delete_term(self.0.fields.key(*group_id));
                if let Some(entry) = entry {
                    writer.add_document(self.0.fields.document(*place, entry, products)?)?;
                }
            }
            writer.commit()?;
            self.0.reader.reload()?;
            let places = Places::clone(&self.0.shown.read().places);
            *self.0.shown.write() = Shown::read(&self.0.reader, places)?;
        }
        let mut goods = self.0.shelf.write();
        for (group_id, place, entry, _) in entries {
            match entry {
                Some(entry) => {
                    goods.put(place, entry, |id| units.get(&id).copied().unwrap_or(Units { stock: 0, sold: 0 }));
                }
                None => goods.remove(group_id),
            }
        }
        drop(goods);
        self.0.edits.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
