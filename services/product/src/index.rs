//! The index: lists, search and point reads of the visible catalogue, without the store.
//!
//! Words, and the products themselves, are in a folder of [tantivy](https://docs.rs/tantivy), one document for each group of
//! variants. What lists filter, sort and count by is in memory, on the [shelf]. The [feed] keeps both at most a second behind
//! the store; until it has caught up after a start, [`CatalogueIndex::is_ready`] is false and the store answers. Money is never
//! taken from here: carts and orders get their prices from the store.

mod document;
mod feed;
mod folder;
mod matching;
mod pass;
mod shelf;
mod suggest;
mod words;

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
use souk_values::{Currency, PageRequest, ProductId};
use tantivy::{
    IndexReader, IndexWriter, Searcher, Term,
    collector::TopDocs,
    query::{Query, TermQuery},
    schema::IndexRecordOption,
};

pub(crate) use feed::task;
pub(crate) use folder::IndexFolder;
pub(crate) use suggest::{Suggested, SuggestedProduct};

use crate::{
    category::CategoryTree,
    group::GroupFacts,
    product::CatalogueProduct,
    store::{Filter, ListEntry, MAX_WORDS, SearchResult, Sort},
};
use document::Fields;
use matching::{Matcher, Matches, Places};
use pass::{Findings, Wanted};
use shelf::{Shelf, ShelfGroup};
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
    tree: RwLock<Arc<CategoryTree>>,
    /// The last commit that is shown, with the places of its documents.
    shown: RwLock<Shown>,
    is_ready: AtomicBool,
    edits: AtomicU64,
    moves: AtomicU64,
    findings: Cache<String, (Epoch, Arc<Findings>)>,
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
    /// Reads the last commit. `places` are those of an earlier one.
    fn read(reader: &IndexReader, mut places: Places) -> Result<Self, IndexError> {
        let searcher = reader.searcher();
        places.read(&searcher)?;
        Ok(Self { searcher, places: Arc::new(places) })
    }
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
        let (reader, writer, shelf) = folder.open(&schema)?;
        let shown = RwLock::new(Shown::read(&reader, Places::default())?);
        let inner = Arc::new(Inner {
            currency,
            fields,
            reader,
            writer: Mutex::new(writer),
            shelf: RwLock::new(shelf),
            tree: RwLock::default(),
            shown,
            is_ready: AtomicBool::new(false),
            edits: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            findings: Cache::new(KEPT_FINDINGS),
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

    /// Returns a page of the groups that match `filter`, and the facets of all that do. Works for a few milliseconds with a
    /// million products.
    pub(crate) fn search(&self, filter: &Filter, sort: Sort, page: PageRequest) -> Result<SearchResult, IndexError> {
        let tree = Arc::clone(&self.0.tree.read());
        let shown = self.0.shown.read().clone();
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let size = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let depth = offset.saturating_add(size).max(MIN_DEPTH).checked_next_power_of_two().unwrap_or(usize::MAX);
        let findings = self.findings(&shown, filter, sort, depth, &tree)?;
        let goods = self.0.shelf.read();
        let wanted = Wanted::new(filter, &goods, &tree);
        let words = words::of_query(&filter.query, MAX_WORDS);
        let mut entries = Vec::with_capacity(size);
        for place in findings.places.iter().skip(offset).take(size) {
            // The group may have left since the pass.
            if let Some(group) = goods.group(*place) {
                entries.extend(self.entry(&shown.searcher, group, &wanted, &words)?);
            }
        }
        let corrected = findings.corrected.clone();
        Ok(SearchResult { entries, total: findings.total, facets: findings.facets.clone(), corrected })
    }

    /// Returns the product with its group; `None` when it is not in the index.
    pub(crate) fn page(&self, id: ProductId) -> Result<Option<(PageStamp, IndexedPage)>, IndexError> {
        let (stamp, group_id) = {
            let goods = self.0.shelf.read();
            let Some(place) = goods.place_of_product(id) else { return Ok(None) };
            let Some(group) = goods.group(place) else { return Ok(None) };
            (PageStamp { place, revision: group.revision.load(Ordering::Acquire) }, group.group_id)
        };
        let group = self.products_of(&self.0.shown.read().searcher, self.0.fields.key(group_id))?;
        let product = group.iter().find(|product| product.product_id == id).cloned();
        Ok(product.map(|product| (stamp, IndexedPage { product, group })))
    }

    /// Returns the id of the product with this slug; `None` when it is not in the index.
    pub(crate) fn product_by_slug(&self, slug: &str) -> Result<Option<ProductId>, IndexError> {
        let key = Term::from_field_text(self.0.fields.slug, slug);
        let group = self.products_of(&self.0.shown.read().searcher, key)?;
        Ok(group.into_iter().find(|product| product.details.slug == slug).map(|product| product.product_id))
    }

    /// Returns true when nothing that the page shows has changed.
    pub(crate) fn is_current(&self, stamp: PageStamp) -> bool {
        let goods = self.0.shelf.read();
        goods.group(stamp.place).is_some_and(|group| group.revision.load(Ordering::Acquire) == stamp.revision)
    }

    /// Returns the kept pass for a filter, or makes one.
    fn findings(
        &self,
        shown: &Shown,
        filter: &Filter,
        sort: Sort,
        depth: usize,
        tree: &CategoryTree,
    ) -> Result<Arc<Findings>, IndexError> {
        let key = format!("{depth} {sort:?} {filter:?}");
        // Read first: what changes during the pass makes it old.
        let epoch = self.epoch();
        if let Some((made, findings)) = self.0.findings.get(&key)
            && made == epoch
        {
            return Ok(findings);
        }
        let goods = self.0.shelf.read();
        let wanted = Wanted::new(filter, &goods, tree);
        let matches = self.matches(shown, &goods, tree, filter)?;
        let findings = Arc::new(pass::run(&goods, tree, &wanted, matches, (sort, depth), self.0.currency));
        self.0.findings.insert(key, (epoch, Arc::clone(&findings)));
        Ok(findings)
    }

    /// Returns what the words of `filter` match; `None` when it has none.
    fn matches(
        &self,
        shown: &Shown,
        goods: &Shelf,
        tree: &CategoryTree,
        filter: &Filter,
    ) -> Result<Option<Matches>, IndexError> {
        if filter.query.is_empty() {
            return Ok(None);
        }
        let words = words::of_query(&filter.query, MAX_WORDS);
        Matcher::new(&shown.searcher, &shown.places, self.0.fields, goods, tree)?.matching(&words).map(Some)
    }

    /// Returns a group as a list shows it, by the variant of which the query names most; of equals one that is in stock, and
    /// then the first. `None` when none of them matches any more.
    fn entry(
        &self,
        searcher: &Searcher,
        group: &ShelfGroup,
        wanted: &Wanted,
        words: &[QueryWord],
    ) -> Result<Option<ListEntry>, IndexError> {
        let products = self.products_of(searcher, self.0.fields.key(group.group_id))?;
        let matching = products.iter().filter(|product| wanted.takes(group, product.product_id));
        let shown = matching.min_by_key(|product| (Reverse(named(product, words)), product.stock <= 0));
        let prices = || products.iter().map(|product| product.details.price);
        let (lowest, highest) = (prices().min_by_key(|price| price.minor), prices().max_by_key(|price| price.minor));
        let facts = lowest.zip(highest).map(|(lowest, highest)| GroupFacts {
            price_from: lowest,
            prices_differ: lowest != highest,
            variants: u64::try_from(products.len()).unwrap_or(u64::MAX),
        });
        Ok(shown.map(|product| ListEntry { product: product.clone(), group: facts }))
    }

    /// Returns the products of the document with this term, with their stock as the shelf knows it; none when there is none.
    fn products_of(&self, searcher: &Searcher, key: Term) -> Result<Vec<CatalogueProduct>, IndexError> {
        let query: Box<dyn Query> = Box::new(TermQuery::new(key, IndexRecordOption::Basic));
        let found = searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        let Some((_, address)) = found.first() else { return Ok(Vec::new()) };
        let mut products = self.0.fields.products(&searcher.doc(*address)?)?;
        let goods = self.0.shelf.read_recursive();
        for product in &mut products {
            if let Some(units) = goods.units(product.product_id) {
                product.stock = units.stock;
            }
        }
        Ok(products)
    }
}

/// Returns how many of the words stand in what distinguishes a variant: its options and its SKU.
fn named(product: &CatalogueProduct, query: &[QueryWord]) -> usize {
    let details = &product.details;
    if query.is_empty() || details.options.is_empty() {
        return 0;
    }
    let own: Vec<String> = details.options.iter().flat_map(|option| words::of_text(&option.value)).collect();
    let sku = words::code(&details.sku);
    query.iter().filter(|word| word.whole == sku || word.parts.iter().all(|part| own.contains(part))).count()
}
