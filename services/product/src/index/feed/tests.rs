use std::sync::Arc;

use souk_testkit::World;
use souk_values::{Id as _, UserId};

use super::*;
use crate::{
    import::import_csv,
    index::{CatalogueIndex, IndexFolder, units::Units},
    store::{Adjustment, RequestKey},
};

const HEAD: &str = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\n";

struct Rig {
    world: World,
    store: ProductStore,
}

impl Rig {
    async fn with(rows: &str) -> Self {
        let world = World::new().await;
        let (url, deps) = (world.store_url("product"), &world.deps);
        let clock = Arc::clone(&deps.clock);
        let store = ProductStore::open(&url, deps.ids.clone(), clock, deps.shop.currency).await.unwrap();
        let rig = Self { world, store };
        rig.import(rows).await;
        rig
    }

    async fn import(&self, rows: &str) {
        let file = format!("{HEAD}{rows}");
        let report = import_csv(&self.store, file.as_bytes(), |_, _| {}).await.unwrap();
        assert_eq!(report.rejected, []);
    }

    /// Delivers three units of the first product.
    async fn deliver(&self, feed: &Feed) {
        let product_id = feed.index.0.shelf.read().product_ids().min().unwrap();
        let admin = UserId::new(1).unwrap();
        let request = RequestKey { key: "delivery".to_owned(), body_hash: String::new() };
        let adjustment = Adjustment { product_id, delta: 3, reason: "delivery".to_owned(), admin, request };
        self.store.adjust(adjustment).await.unwrap();
    }

    /// Opens the index as a start does.
    fn feed(&self) -> Feed {
        let folder = IndexFolder::Kept(self.world.folder.path().join("index"));
        let index = CatalogueIndex::open(&folder, self.store.currency()).unwrap();
        Feed { store: self.store.clone(), index, looked_at: Mutex::default() }
    }
}

/// Stock of each product, by price.
fn stocks(feed: &Feed) -> Vec<i64> {
    let goods = feed.index.0.shelf.read();
    let items = goods.groups().flat_map(|(_, group)| goods.items(group));
    let mut items: Vec<(i64, i64)> = items.map(|item| (item.price, item.units().stock)).collect();
    items.sort_unstable();
    items.into_iter().map(|(_, stock)| stock).collect()
}

#[tokio::test]
async fn a_start_reads_what_changed_since_the_index_was_kept() {
    let rig = Rig::with("pan,Pan,P,5,10\npot,Pot,Q,6,20\n").await;
    let feed = rig.feed();
    assert!(!feed.resume().await.unwrap(), "nothing was kept yet");
    feed.catch_up().await.unwrap();
    feed.keep().await;

    rig.world.clock.advance(Duration::from_secs(3_600));
    rig.deliver(&feed).await;
    rig.import("mug,Mug,M,3,30\n").await;
    drop(feed);
    let feed = rig.feed();
    assert_eq!(stocks(&feed), [5, 6]);
    assert!(feed.resume().await.unwrap());
    assert_eq!(stocks(&feed), [8, 6, 3]);
    // A clock that was set back: the times of the store say nothing then.
    *feed.index.0.complete_at.lock() = Some(rig.store.now().plus(Duration::from_secs(1)));
    assert!(!feed.resume().await.unwrap());
}

#[tokio::test]
async fn an_unfinished_change_is_read_again_by_the_next_start() {
    let rig = Rig::with("pan,Pan,P,5,10\n").await;
    let feed = rig.feed();
    feed.catch_up().await.unwrap();
    rig.world.clock.advance(Duration::from_secs(3_600));
    // Noted, and never applied.
    rig.deliver(&feed).await;
    rig.world.clock.advance(Duration::from_secs(3_600));
    feed.keep().await;
    drop(feed);
    let feed = rig.feed();
    assert!(feed.resume().await.unwrap());
    assert_eq!(stocks(&feed), [8]);
}

#[tokio::test]
async fn a_comparison_finds_changes_without_a_time() {
    let rig = Rig::with("pan,Pan,P,5,10\npot,Pot,Q,6,20\n").await;
    let feed = rig.feed();
    feed.catch_up().await.unwrap();
    let _ = rig.store.changes().next().await;
    assert_eq!(feed.note_differing().await.unwrap(), 0);

    // As after a return to an earlier state of the store: other units, and a product that it does not have.
    let pan = feed.index.0.shelf.read().product_ids().next().unwrap();
    assert!(feed.index.0.shelf.read().set_units(pan, Units { stock: 77, sold: 0 }));
    let mut ghost = rig.store.products_of_groups(&[pan]).await.unwrap().remove(0);
    ghost.product_id = ProductId::new(pan.get() + 1_000_000).unwrap();
    ghost.details.price.minor = 99_999;
    let ghost_id = ghost.product_id;
    feed.index.write(Made::of(&[ghost_id], vec![ghost])).unwrap();
    assert_eq!(stocks(&feed).len(), 3);

    assert_eq!(feed.note_differing().await.unwrap(), 2);
    feed.apply(&rig.store.changes().next().await, false).await.unwrap();
    assert_eq!(stocks(&feed), [5, 6]);
    assert_eq!(feed.note_differing().await.unwrap(), 0);
}
