//! Places of documents: which group of the shelf each describes, and where that of a group is.

use std::{collections::HashMap, sync::Arc};

use tantivy::{DocAddress, Searcher, SegmentReader, index::SegmentId};

use super::IndexError;

/// Places of the documents of one commit.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Places of the documents of each segment, in their order.
    of_segments: HashMap<SegmentId, Arc<[u32]>>,
    /// The document of each place.
    documents: Vec<Option<DocAddress>>,
}

impl Places {
    /// Reads those of the commit that `searcher` shows. Segments that `earlier` knows are not read again.
    pub(super) fn read(searcher: &Searcher, earlier: &Self) -> Result<Self, IndexError> {
        let mut places = Self::default();
        for (segment, reader) in (0..).zip(searcher.segment_readers()) {
            let id = reader.segment_id();
            let of_segment = match earlier.of_segments.get(&id) {
                Some(known) => Arc::clone(known),
                None => of_documents(reader)?,
            };
            let alive = reader.alive_bitset();
            for (document, &place) in (0..).zip(&*of_segment) {
                if alive.is_none_or(|alive| alive.is_alive(document)) {
                    places.note(place, DocAddress::new(segment, document));
                }
            }
            places.of_segments.insert(id, of_segment);
        }
        Ok(places)
    }

    /// Returns the places of a segment's documents, in their order.
    pub(super) fn of_segment(&self, id: SegmentId) -> Option<Arc<[u32]>> {
        self.of_segments.get(&id).cloned()
    }

    /// Returns the document of a place; `None` when it has none in this commit.
    pub(super) fn document(&self, place: usize) -> Option<DocAddress> {
        self.documents.get(place).copied().flatten()
    }

    fn note(&mut self, place: u32, document: DocAddress) {
        let Ok(place) = usize::try_from(place) else { return };
        if self.documents.len() <= place {
            self.documents.resize(place + 1, None);
        }
        if let Some(slot) = self.documents.get_mut(place) {
            *slot = Some(document);
        }
    }
}

/// Errors: a document without a place, or one that no shelf can have.
fn of_documents(reader: &SegmentReader) -> Result<Arc<[u32]>, IndexError> {
    let column = reader.fast_fields().u64("place")?;
    let places = (0..reader.max_doc()).map(|document| {
        let place = column.first(document).and_then(|place| u32::try_from(place).ok());
        place.ok_or(IndexError::Damaged("a document without a place"))
    });
    places.collect()
}
