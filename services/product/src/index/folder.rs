//! The folder of the index: opened at the start, begun again when it cannot be read.

use std::{
    io,
    path::{Path, PathBuf},
};

use tantivy::{
    Index, IndexBuilder, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument,
    TantivyError, directory::MmapDirectory, merge_policy::LogMergePolicy, schema::Schema,
};

use souk_values::Timestamp;

use super::{IndexError, entry::ShelfEntry, kept::KeptUnits, shelf::Shelf, units::Units};

/// Name of the folder's content. Another form of documents gets another name, so that an old index is not read.
const FORM: &str = "catalogue-2";
/// Forms of earlier versions, which are removed.
const OLD_FORMS: [&str; 1] = ["catalogue-1"];
/// Bytes of documents that are compressed together. A list reads each of its entries from another block, so they are small.
const BLOCK_SIZE: usize = 4_000;
/// Memory of the writer in bytes, the least that tantivy takes; it is used as documents come.
const WRITER_MEMORY: usize = 15_000_000;

/// Segments of one size that are merged: each search looks its words up in every segment.
const MERGED_SEGMENTS: usize = 4;

/// An open index.
pub(super) struct Opened {
    pub reader: IndexReader,
    pub writer: IndexWriter,
    /// Its groups.
    pub shelf: Shelf,
    /// Every change of the store before it is in the index; `None` when that is not known.
    pub complete_at: Option<Timestamp>,
    /// The folder, if it is kept.
    pub folder: Option<PathBuf>,
}

/// Where the index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexFolder {
    /// In a folder, of which an index named after its form is kept.
    Kept(PathBuf),
    /// In memory: a start reads the whole catalogue.
    Memory,
}

impl IndexFolder {
    /// Opens the index. One that cannot be opened is begun again, and the feed fills it from the store.
    pub(super) fn open(&self, schema: &Schema) -> Result<Opened, IndexError> {
        let Self::Kept(parent) = self else {
            return in_memory(schema);
        };
        for old in OLD_FORMS {
            remove(&parent.join(old))?;
        }
        let folder = parent.join(FORM);
        match open_in(&folder, schema) {
            Ok(index) => Ok(index),
            Err(IndexError::Tantivy(TantivyError::LockFailure(..))) => {
                tracing::error!(folder = %folder.display(), "another process has the folder of the index; give each its own \
                    product.index-dir; this one keeps the index in memory");
                in_memory(schema)
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error,
                    "the index of the catalogue cannot be read; it is made from the store again");
                remove(&folder)?;
                open_in(&folder, schema)
            }
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open_in(folder: &Path, schema: &Schema) -> Result<Opened, IndexError> {
    std::fs::create_dir_all(folder)?;
    let directory = MmapDirectory::open(folder).map_err(TantivyError::from)?;
    let kept = KeptUnits::read(folder);
    let opened = opened(&builder(schema).open_or_create(directory)?, kept.as_ref())?;
    Ok(Opened { folder: Some(folder.to_owned()), ..opened })
}

fn in_memory(schema: &Schema) -> Result<Opened, IndexError> {
    opened(&builder(schema).create_in_ram()?, None)
}

fn builder(schema: &Schema) -> IndexBuilder {
    let settings = IndexSettings { docstore_blocksize: BLOCK_SIZE, ..IndexSettings::default() };
    Index::builder().schema(schema.clone()).settings(settings)
}

fn opened(index: &Index, kept: Option<&KeptUnits>) -> Result<Opened, IndexError> {
    let writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_MEMORY)?;
    let mut merging = LogMergePolicy::default();
    merging.set_min_num_segments(MERGED_SEGMENTS);
    writer.set_merge_policy(Box::new(merging));
    let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let shelf = load(&reader.searcher(), kept)?;
    Ok(Opened { reader, writer, shelf, complete_at: kept.map(|kept| kept.complete_at), folder: None })
}

/// Fills a shelf from the documents and the kept units. Those of a product that is newer than the units are not known yet.
fn load(searcher: &Searcher, kept: Option<&KeptUnits>) -> Result<Shelf, IndexError> {
    let units = |product| kept.and_then(|kept| kept.of(product)).unwrap_or(Units { stock: 0, sold: 0 });
    let mut shelf = Shelf::default();
    for reader in searcher.segment_readers() {
        let Some(entries) = reader.fast_fields().bytes("entry")? else { continue };
        let places = reader.fast_fields().u64("place")?;
        // Entries are unique, so each is read once, in the order of the dictionary.
        let mut of_entry = vec![None; entries.num_terms()];
        for document in 0..reader.max_doc() {
            if reader.alive_bitset().is_some_and(|alive| alive.is_deleted(document)) {
                continue;
            }
            let number = entries.term_ords(document).next().and_then(|number| usize::try_from(number).ok());
            let place = places.first(document).and_then(|place| usize::try_from(place).ok());
            let slot = number.and_then(|number| of_entry.get_mut(number));
            *slot.ok_or(IndexError::Damaged("a document without an entry"))? = place;
        }
        let mut terms = entries.dictionary().stream()?;
        for place in of_entry {
            if !terms.advance() {
                return Err(IndexError::Damaged("fewer entries than documents"));
            }
            if let Some(place) = place {
                let entry: ShelfEntry = serde_json::from_slice(terms.key())?;
                shelf.put(place, entry, units);
            }
        }
    }
    Ok(shelf)
}
