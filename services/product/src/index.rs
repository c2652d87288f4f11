//! The index: lists, search and point reads of the visible catalogue, without the store.
//!
//! Words, and the products themselves, are in a folder of [tantivy](https://docs.rs/tantivy), one document for each group of
//! variants. What lists filter, sort and count by is in memory, on the [shelf]. The [feed] keeps both at most a second behind
//! the store; until it has caught up after a start, [`CatalogueIndex::is_ready`] is false and the store answers. Money is never
//! taken from here: carts and orders get their prices from the store.

mod arena;
mod counts;
mod document;
mod entry;
mod feed;
mod folder;
mod kept;
mod kept_words;
mod labels;
mod matching;
mod pass;
mod places;
mod related;
mod shelf;
mod suggest;
mod tree;
mod units;
mod words;
mod write;

use std::{
    cmp::Reverse,
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, LazyLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use quick_cache::sync::Cache;
use souk_values::{Currency, Money, PageRequest, ProductId, Timestamp};
use tantivy::{
    IndexReader, IndexWriter, Searcher, TantivyDocument, Term,
    collector::TopDocs,
    query::{Query, TermQuery},
    schema::IndexRecordOption,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use feed::task;
pub(crate) use folder::IndexFolder;
pub(crate) use suggest::{Suggested, SuggestedProduct};

use crate::{
    group::GroupFacts,
    product::CatalogueProduct,
    store::{Filter, ListEntry, MAX_WORDS, SearchResult, Sort},
};
use document::Fields;
use folder::Opened;
use kept_words::{KeptWords, WordsOf};
use matching::{Matcher, Matches};
use pass::{Findings, Scope, Wanted};
use places::Places;
use shelf::{Item, Shelf, ShelfGroup};
use tree::NamedTree;
use words::QueryWord;

/// Groups that a pass sorts at least: the first pages of most lists.
const MIN_DEPTH: usize = 256;
/// Passes kept.
const KEPT_FINDINGS: usize = 500;

/// Indexes that are open in this process, by their folders: tantivy lets one writer have a folder.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Inner>>>> = LazyLock::new(Mutex::default);

/// A failure of the index. The store can answer instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("the index failed: {0}")]
    Tantivy(#[from] tantivy::TantivyError),
    #[error("the index cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("a document of the index cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the index is damaged: {0}")]
    Damaged(&'static str),
}

/// Number of changes of the catalogue, as the index shows it. Edits count apart from moves of stock: an answer that is older
/// than an edit is never given, one that is older than a sale for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub edits: u64,
    pub moves: u64,
}

/// Cloning shares the index.
#[derive(Debug, Clone)]
pub(crate) struct CatalogueIndex(Arc<Inner>);

struct Inner {
    currency: Currency,
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    shelf: RwLock<Shelf>,
    tree: RwLock<Arc<NamedTree>>,
    /// The last commit that is shown, with the places of its documents.
    shown: RwLock<Shown>,
    is_ready: AtomicBool,
    /// Every change of the store before it is in the index; `None` when that is not known.
    complete_at: Mutex<Option<Timestamp>>,
    /// The folder that is kept between two starts, if one is.
    folder: Option<PathBuf>,
    edits: AtomicU64,
    moves: AtomicU64,
    findings: Cache<String, Arc<Findings>>,
    words: KeptWords,
    /// Memory of searches that have ended, for the next ones.
    memory: Mutex<Vec<Matches>>,
    turns: Arc<Semaphore>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("is_ready", &self.is_ready).finish_non_exhaustive()
    }
}

/// The last commit, as searches see it.
#[derive(Clone)]
struct Shown {
    searcher: Searcher,
    places: Arc<Places>,
}

impl Shown {
    /// Reads the last commit. `earlier` are the places of one before.
    fn read(reader: &IndexReader, earlier: &Places) -> Result<Self, IndexError> {
        let searcher = reader.searcher();
        let places = Places::read(&searcher, earlier)?;
        Ok(Self { searcher, places: Arc::new(places) })
    }

    /// Returns the document of the group at a place; `None` when this commit has none.
    fn document(&self, place: usize) -> Result<Option<TantivyDocument>, IndexError> {
        self.places.document(place).map(|address| Ok(self.searcher.doc(address)?)).transpose()
    }
}

/// State of the index that a list is made from, with the words of its query.
struct Read<'r> {
    shown: &'r Shown,
    goods: &'r Shelf,
    tree: &'r NamedTree,
    words: Vec<QueryWord>,
}

/// A product with the visible variants of its group, as the index has them.
#[derive(Debug)]
pub(crate) struct IndexedPage {
    pub product: CatalogueProduct,
    /// In their order, the product among them.
    pub group: Vec<CatalogueProduct>,
}

/// Group and age of a prepared page, which is current as long as the group has this revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageStamp {
    place: usize,
    revision: u64,
}

impl CatalogueIndex {
    /// Opens the index in `folder`, which may be empty or hold that of an earlier run. A service that is replaced within its
    /// process, as after a change of its configuration, hands its open index on to the next one.
    pub(crate) fn open(folder: &IndexFolder, currency: Currency) -> Result<Self, IndexError> {
        let mut open = OPEN.lock();
        open.retain(|_, index| index.strong_count() > 0);
        if let IndexFolder::Kept(path) = folder
            && let Some(shared) = open.get(path).and_then(Weak::upgrade)
        {
            return Ok(Self(shared));
        }
        let (fields, schema) = Fields::build();
        let Opened { reader, writer, shelf, complete_at, folder: kept } = folder.open(&schema)?;
        let shown = RwLock::new(Shown::read(&reader, &Places::default())?);
        let inner = Arc::new(Inner {
            currency,
            fields,
            reader,
            writer: Mutex::new(writer),
            shelf: RwLock::new(shelf),
            tree: RwLock::default(),
            shown,
            is_ready: AtomicBool::new(false),
            complete_at: Mutex::new(complete_at),
            folder: kept,
            edits: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            findings: Cache::new(KEPT_FINDINGS),
            words: KeptWords::default(),
            memory: Mutex::default(),
            turns: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
        });
        if let IndexFolder::Kept(path) = folder {
            open.insert(path.clone(), Arc::downgrade(&inner));
        }
        Ok(Self(inner))
    }

    /// Returns true once the index has what the store had when the service started.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.is_ready.load(Ordering::Acquire)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch { edits: self.0.edits.load(Ordering::Acquire), moves: self.0.moves.load(Ordering::Acquire) }
    }

    /// Number of products.
    pub(crate) fn products(&self) -> usize {
        self.0.shelf.read().products()
    }

    /// Waits until fewer long searches run than the machine has cores. They take their turns in the order of their arrival;
    /// more of them at once would make each slower, and none sooner.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.0.turns).acquire_owned().await.ok()
    }

    /// Returns a page of the groups that match `filter`, and the facets of all that do. Works for a few milliseconds with a
    /// million products.
    pub(crate) fn search(&self, filter: &Filter, sort: Sort, page: PageRequest) -> Result<SearchResult, IndexError> {
        self.list(filter, sort, page, true)
    }

    /// Returns a page of the groups that match `filter`; the facets stay empty unless they are wanted.
    fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        page: PageRequest,
        with_facets: bool,
    ) -> Result<SearchResult, IndexError> {
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let size = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let end = offset.saturating_add(size);
        // Suggestions have no second page.
        let depth =
            if with_facets { end.max(MIN_DEPTH).checked_next_power_of_two().unwrap_or(usize::MAX) } else { end };
        // Read before all that a pass reads: what is shown meanwhile makes the pass old.
        let epoch = self.epoch();
        let tree = Arc::clone(&self.0.tree.read());
        let shown = self.0.shown.read().clone();
        let goods = self.0.shelf.read();
        let read = Read { shown: &shown, goods: &goods, tree: &tree, words: words::of_query(&filter.query, MAX_WORDS) };
        let wanted = Wanted::new(filter, &goods, tree.tree());
        let findings = self.findings(&read, filter, &wanted, Scope { epoch, sort, depth, with_facets })?;
        let mut entries = Vec::with_capacity(size);
        for place in findings.places.iter().skip(offset).take(size) {
            // The group may have left since the pass.
            if let Some(group) = goods.group(*place) {
                entries.extend(self.entry(&read, *place, group, &wanted)?);
            }
        }
        let corrected = findings.corrected.clone();
        Ok(SearchResult { entries, total: findings.total, facets: findings.facets.clone(), corrected })
    }

    /// Returns the product with its group; `None` when it is not in the index.
    pub(crate) fn page(&self, id: ProductId) -> Result<Option<(PageStamp, IndexedPage)>, IndexError> {
        let stamp = {
            let goods = self.0.shelf.read();
            let Some(place) = goods.place_of_product(id) else { return Ok(None) };
            let Some(revision) = goods.revision(place) else { return Ok(None) };
            PageStamp { place, revision }
        };
        let document = self.0.shown.read().document(stamp.place)?;
        let mut group = document.map(|document| self.0.fields.products(&document)).transpose()?.unwrap_or_default();
        let goods = self.0.shelf.read();
        for product in &mut group {
            if let Some(units) = goods.units(product.product_id) {
                product.stock = units.stock;
            }
        }
        let product = group.iter().find(|product| product.product_id == id).cloned();
        Ok(product.map(|product| (stamp, IndexedPage { product, group })))
    }

    /// Returns the id of the product with this slug; `None` when it is not in the index.
    pub(crate) fn product_by_slug(&self, slug: &str) -> Result<Option<ProductId>, IndexError> {
        let key = Term::from_field_text(self.0.fields.slug, slug);
        let searcher = self.0.shown.read().searcher.clone();
        let query: Box<dyn Query> = Box::new(TermQuery::new(key, IndexRecordOption::Basic));
        let found = searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        let Some((_, address)) = found.first() else { return Ok(None) };
        let group = self.0.fields.products(&searcher.doc(*address)?)?;
        Ok(group.into_iter().find(|product| product.details.slug == slug).map(|product| product.product_id))
    }

    /// Returns true when nothing that the page shows has changed.
    pub(crate) fn is_current(&self, stamp: PageStamp) -> bool {
        self.0.shelf.read().revision(stamp.place) == Some(stamp.revision)
    }

    /// Returns the kept pass for a filter, or makes one. Callers that want the same at the same time wait for one pass.
    fn findings(
        &self,
        read: &Read<'_>,
        filter: &Filter,
        wanted: &Wanted,
        scope: Scope,
    ) -> Result<Arc<Findings>, IndexError> {
        let key = format!("{scope:?} {filter:?}");
        // Every caller who waits here holds the shelf already, so that the one who makes the pass does not wait for it.
        self.0.findings.get_or_insert_with(&key, || {
            let mut matches = None;
            if !filter.query.is_empty() {
                let mut found = self.0.memory.lock().pop().unwrap_or_default();
                let words = WordsOf { kept: &self.0.words, edits: scope.epoch.edits, places: read.goods.len() };
                let search = Matcher::new(&read.shown.searcher, &read.shown.places, self.0.fields, read.tree, words)?;
                search.find(&read.words, &mut found)?;
                matches = Some(found);
            }
            let tree = read.tree.tree();
            let findings = pass::run(read.goods, tree, wanted, matches.as_ref(), scope, self.0.currency);
            self.0.memory.lock().extend(matches);
            Ok(Arc::new(findings))
        })
    }

    /// Returns a group as a list shows it, by the variant of which the query names most; of equals one that is in stock, and
    /// then the first. `None` when none of them matches any more.
    fn entry(
        &self,
        read: &Read<'_>,
        place: usize,
        group: &ShelfGroup,
        wanted: &Wanted,
    ) -> Result<Option<ListEntry>, IndexError> {
        let Some(document) = read.shown.document(place)? else { return Ok(None) };
        // A document that was written a moment ago may have another number of variants than the shelf has yet.
        let items = read.goods.items(group);
        let named = if read.words.is_empty() || items.len() == 1 {
            vec![0; items.len()]
        } else {
            self.0.fields.distinctions(&document)?.iter().map(|variant| variant.named(&read.words)).collect()
        };
        let matching =
            items.iter().zip(named).enumerate().filter(|(_, (item, _))| wanted.takes(read.goods, place, item));
        let shown = matching.min_by_key(|(_, (item, named))| (Reverse(*named), item.units().stock <= 0));
        let Some((number, (item, _))) = shown else { return Ok(None) };
        let Some(product) = self.product_of(&document, number, item)? else { return Ok(None) };
        let facts = facts(group, product.details.price.currency);
        Ok(Some(ListEntry { product, group: Some(facts) }))
    }

    /// Reads a variant with its present stock. `number` is its place in the group; `None` when the document lacks it.
    fn product_of(
        &self,
        document: &TantivyDocument,
        number: usize,
        item: &Item,
    ) -> Result<Option<CatalogueProduct>, IndexError> {
        let is_meant = |product: &CatalogueProduct| product.product_id == item.product_id;
        let found = match self.0.fields.product(document, number)?.filter(is_meant) {
            Some(product) => Some(product),
            None => self.0.fields.products(document)?.into_iter().find(is_meant),
        };
        Ok(found.map(|product| CatalogueProduct { stock: item.units().stock, ..product }))
    }
}

fn facts(group: &ShelfGroup, currency: Currency) -> GroupFacts {
    GroupFacts {
        price_from: Money::new(group.lowest, currency),
        prices_differ: group.lowest != group.highest,
        variants: u64::try_from(group.len()).unwrap_or(u64::MAX),
    }
}
