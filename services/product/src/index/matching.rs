//! The groups that the words of a query match, and the worth of each match.
//!
//! The inverted index is tantivy's; what a match is worth is decided here, because a shop does not rank by frequency: a word
//! in the name beats one in the brand, which beats one in the text, however often it occurs.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use souk_values::CategoryId;
use tantivy::{
    Searcher, SegmentReader, Term,
    index::{InvertedIndexReader, SegmentId},
    postings::TermInfo,
    query::FuzzyTermQuery,
    schema::{Field, IndexRecordOption},
};

use super::{
    IndexError,
    document::Fields,
    shelf::Shelf,
    words::{self, QueryWord},
};
use crate::category::CategoryTree;

/// Worth of a word where it occurs, the highest of its occurrences; 0 is no match.
mod worth {
    pub(super) const CODE: u8 = 40;
    pub(super) const NAME: u8 = 20;
    pub(super) const NAME_BEGINS: u8 = 18;
    pub(super) const BRAND: u8 = 14;
    pub(super) const BRAND_BEGINS: u8 = 13;
    pub(super) const CATEGORY: u8 = 11;
    pub(super) const NAME_TYPO: u8 = 9;
    pub(super) const BRAND_TYPO: u8 = 8;
    pub(super) const TEXT: u8 = 5;
    pub(super) const TEXT_BEGINS: u8 = 3;
    pub(super) const TEXT_TYPO: u8 = 1;
}

/// Letters from which on a word may have one typo, and two.
const ONE_TYPO: usize = 5;
const TWO_TYPOS: usize = 9;
/// Letters from which on the beginning of a word is looked for in texts; in names and brands, one is enough.
const MIN_PREFIX_OF_TEXT: usize = 3;

/// The matching groups.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// Places with what all words together are worth there.
    pub groups: Vec<(usize, u32)>,
    /// The query as it was understood, when a word occurs only with typos.
    pub corrected: Option<String>,
}

/// A segment with the places of its documents.
struct Segment<'s> {
    reader: &'s SegmentReader,
    places: Arc<[u32]>,
    indexes: HashMap<Field, Arc<InvertedIndexReader>>,
}

/// Places of the documents of each segment, in their order.
#[derive(Debug, Default, Clone)]
pub(super) struct Places(HashMap<SegmentId, Arc<[u32]>>);

impl Places {
    /// Reads those of the segments of `searcher`, and forgets those of others.
    pub(super) fn read(&mut self, searcher: &Searcher) -> Result<(), IndexError> {
        let mut known = std::mem::take(&mut self.0);
        for reader in searcher.segment_readers() {
            let id = reader.segment_id();
            let places = if let Some(places) = known.remove(&id) {
                places
            } else {
                let column = reader.fast_fields().u64("place")?.first_or_default_col(u64::MAX);
                let places = (0..reader.max_doc()).map(|document| u32::try_from(column.get_val(document)));
                places.map(|place| place.unwrap_or(u32::MAX)).collect()
            };
            self.0.insert(id, places);
        }
        Ok(())
    }
}

pub(super) struct Matcher<'s> {
    segments: Vec<Segment<'s>>,
    fields: Fields,
    shelf: &'s Shelf,
    tree: &'s CategoryTree,
}

/// Comparison of a word with those of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leniency {
    AsTyped,
    WithTypos,
}

thread_local! {
    /// Worth of a word at each place. Kept, because the pages of a new one cost more than the search.
    static WORTHS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<'s> Matcher<'s> {
    /// Errors: a segment without its places, which were then not read since the last commit.
    pub(super) fn new(
        searcher: &'s Searcher,
        places: &Places,
        fields: Fields,
        shelf: &'s Shelf,
        tree: &'s CategoryTree,
    ) -> Result<Self, IndexError> {
        let segments = searcher.segment_readers().iter().map(|reader| {
            let places = places.0.get(&reader.segment_id()).cloned();
            let places = places.ok_or(IndexError::Damaged("a segment without places"))?;
            let indexes = fields.searched().into_iter().map(|field| Ok((field, reader.inverted_index(field)?)));
            Ok(Segment { reader, places, indexes: indexes.collect::<Result<_, IndexError>>()? })
        });
        Ok(Self { segments: segments.collect::<Result<_, IndexError>>()?, fields, shelf, tree })
    }

    /// Returns the groups in which every word occurs. A word that occurs nowhere is looked for with typos, and all words are
    /// when no group has them together.
    pub(super) fn matching(&self, query: &[QueryWord]) -> Result<Matches, IndexError> {
        let mut typos = Typos::default();
        let mut groups = self.together(query, Leniency::AsTyped, &mut typos)?;
        if groups.is_empty() && query.len() > 1 {
            typos = Typos::default();
            groups = self.together(query, Leniency::WithTypos, &mut typos)?;
        }
        let corrected = typos.corrected(query).filter(|_| !groups.is_empty());
        Ok(Matches { groups, corrected })
    }

    /// Returns the groups in which all words are worth something, with the sum. A word that occurs nowhere as it is typed may
    /// always have typos.
    fn together(
        &self,
        query: &[QueryWord],
        leniency: Leniency,
        typos: &mut Typos,
    ) -> Result<Vec<(usize, u32)>, IndexError> {
        let mut groups: Option<Vec<(usize, u32)>> = None;
        WORTHS.with_borrow_mut(|worths| {
            for word in query {
                self.clear(worths);
                self.word(word, Leniency::AsTyped, typos, worths)?;
                if leniency == Leniency::WithTypos || worths.iter().all(|worth| *worth == 0) {
                    self.word(word, Leniency::WithTypos, typos, worths)?;
                }
                let worth = |place: usize| worths.get(place).copied().filter(|worth| *worth > 0).map(u32::from);
                match &mut groups {
                    None => groups = Some((0..worths.len()).filter_map(|place| Some((place, worth(place)?))).collect()),
                    Some(groups) => groups.retain_mut(|(place, sum)| {
                        let worth = worth(*place);
                        *sum += worth.unwrap_or(0);
                        worth.is_some()
                    }),
                }
            }
            Ok(groups.unwrap_or_default())
        })
    }

    /// Raises `worths` by what a word is worth in each group.
    fn word(
        &self,
        word: &QueryWord,
        leniency: Leniency,
        typos: &mut Typos,
        worths: &mut [u8],
    ) -> Result<(), IndexError> {
        let mut look = |part: &str, worths: &mut [u8]| match leniency {
            Leniency::AsTyped => self.as_typed(part, worths),
            Leniency::WithTypos => self.with_typos(part, typos, worths),
        };
        match word.parts.as_slice() {
            [part] => look(part, worths)?,
            parts => {
                // All parts have to occur; the word is worth as much as the least of them.
                let mut least = vec![u8::MAX; worths.len()];
                let mut part_worths = vec![0; worths.len()];
                for part in parts {
                    part_worths.fill(0);
                    look(part, &mut part_worths)?;
                    least.iter_mut().zip(&part_worths).for_each(|(least, worth)| *least = (*least).min(*worth));
                }
                worths.iter_mut().zip(&least).for_each(|(worth, least)| *worth = (*worth).max(*least));
                // `tea-pot` is also found as `teapot`.
                self.exactly(self.fields.name, &parts.concat(), worth::NAME, worths)?;
            }
        }
        self.exactly(self.fields.code, &words::code(&word.whole), worth::CODE, worths)
    }

    fn as_typed(&self, word: &str, worths: &mut [u8]) -> Result<(), IndexError> {
        let Fields { name, name_stem, brand, text, text_stem, .. } = self.fields;
        if word.chars().count() >= MIN_PREFIX_OF_TEXT {
            self.beginning(text, word, worth::TEXT_BEGINS, worths)?;
        }
        self.exactly(text, word, worth::TEXT, worths)?;
        self.categories(word, worths);
        self.beginning(brand, word, worth::BRAND_BEGINS, worths)?;
        self.exactly(brand, word, worth::BRAND, worths)?;
        self.beginning(name, word, worth::NAME_BEGINS, worths)?;
        self.exactly(name, word, worth::NAME, worths)?;
        for stem in words::stems(word) {
            self.exactly(text_stem, &stem, worth::TEXT, worths)?;
            self.exactly(name_stem, &stem, worth::NAME, worths)?;
        }
        Ok(())
    }

    /// A word that is too short for a typo is worth nothing here.
    fn with_typos(&self, word: &str, typos: &mut Typos, worths: &mut [u8]) -> Result<(), IndexError> {
        let letters = word.chars().count();
        let most = if letters >= TWO_TYPOS { 2 } else { u8::from(letters >= ONE_TYPO) };
        for distance in 1..=most {
            let Fields { name, brand, text, .. } = self.fields;
            let typo = Typo { word, distance };
            let mut nearest = Nearest::default();
            self.nearly(text, typo, worth::TEXT_TYPO, worths, &mut nearest)?;
            self.nearly(brand, typo, worth::BRAND_TYPO, worths, &mut nearest)?;
            self.nearly(name, typo, worth::NAME_TYPO, worths, &mut nearest)?;
            if let Some(nearest) = nearest.word {
                typos.0.push((word.to_owned(), nearest));
                break;
            }
        }
        Ok(())
    }

    /// Makes `worths` nothing at every place.
    fn clear(&self, worths: &mut Vec<u8>) {
        worths.clear();
        worths.resize(self.shelf.len(), 0);
    }

    fn exactly(&self, field: Field, word: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.index(field)?;
            if let Some(term) = index.terms().get(word)? {
                segment.mark(index, &term, worth, worths)?;
            }
        }
        Ok(())
    }

    fn beginning(&self, field: Field, prefix: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.index(field)?;
            let mut terms = index.terms().range().ge(prefix).into_stream()?;
            while terms.advance() && terms.key().starts_with(prefix.as_bytes()) {
                segment.mark(index, terms.value(), worth, worths)?;
            }
        }
        Ok(())
    }

    fn nearly(
        &self,
        field: Field,
        typo: Typo<'_>,
        worth: u8,
        worths: &mut [u8],
        nearest: &mut Nearest,
    ) -> Result<(), IndexError> {
        let term = Term::from_field_text(field, typo.word);
        let automaton = FuzzyTermQuery::new(term, typo.distance, true).automaton()?;
        for segment in &self.segments {
            let index = segment.index(field)?;
            let mut terms = index.terms().search(&automaton).into_stream()?;
            while terms.advance() {
                segment.mark(index, terms.value(), worth, worths)?;
                nearest.offer(terms.key(), worth, terms.value().doc_freq);
            }
        }
        Ok(())
    }

    /// A word of a category's name finds what is in the category.
    fn categories(&self, word: &str, worths: &mut [u8]) {
        let stems = words::stems(word);
        let is_meant = |name: &str| {
            words::of_text(name)
                .iter()
                .any(|of_name| of_name == word || words::stems(of_name).iter().any(|stem| stems.contains(stem)))
        };
        let meant = self.tree.nodes().iter().filter(|category| is_meant(&category.name));
        let inside: BTreeSet<CategoryId> =
            meant.flat_map(|category| self.tree.with_descendants(category.category_id)).collect();
        if inside.is_empty() {
            return;
        }
        for (place, group) in self.shelf.groups() {
            if group.items.iter().any(|item| inside.contains(&item.category_id)) {
                raise(worths, place, worth::CATEGORY);
            }
        }
    }
}

impl Segment<'_> {
    fn index(&self, field: Field) -> Result<&InvertedIndexReader, IndexError> {
        self.indexes.get(&field).map(|index| &**index).ok_or(IndexError::Damaged("a field that is not searched"))
    }

    /// Raises the worth of all documents with a term.
    fn mark(
        &self,
        index: &InvertedIndexReader,
        term: &TermInfo,
        worth: u8,
        worths: &mut [u8],
    ) -> Result<(), IndexError> {
        let mut postings = index.read_block_postings_from_terminfo(term, IndexRecordOption::Basic)?;
        let alive = self.reader.alive_bitset();
        while !postings.docs().is_empty() {
            for &document in postings.docs() {
                if alive.is_none_or(|alive| alive.is_alive(document)) {
                    let place = usize::try_from(document).ok().and_then(|document| self.places.get(document));
                    let place = place.and_then(|place| usize::try_from(*place).ok());
                    raise(worths, place.unwrap_or(usize::MAX), worth);
                }
            }
            postings.advance();
        }
        Ok(())
    }
}

fn raise(worths: &mut [u8], place: usize, worth: u8) {
    // A group that came after the shelf was read is not on it yet.
    if let Some(was) = worths.get_mut(place) {
        *was = (*was).max(worth);
    }
}

/// A word that may be wrong in `distance` letters.
#[derive(Debug, Clone, Copy)]
struct Typo<'w> {
    word: &'w str,
    distance: u8,
}

/// The word that was most likely meant: of a name rather than of a text, and a frequent one.
#[derive(Debug, Default)]
struct Nearest {
    word: Option<String>,
    rank: (u8, u32),
}

impl Nearest {
    fn offer(&mut self, word: &[u8], worth: u8, frequency: u32) {
        if self.word.is_none() || (worth, frequency) > self.rank {
            self.word = String::from_utf8(word.to_vec()).ok();
            self.rank = (worth, frequency);
        }
    }
}

/// Words with typos, each with the one that was meant.
#[derive(Debug, Default)]
struct Typos(Vec<(String, String)>);

impl Typos {
    fn corrected(&self, query: &[QueryWord]) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let meant = |part: &String| {
            let typo = self.0.iter().find(|(typed, _)| typed == part);
            typo.map_or_else(|| part.clone(), |(_, meant)| meant.clone())
        };
        let words: Vec<String> = query.iter().flat_map(|word| &word.parts).map(meant).collect();
        Some(words.join(" "))
    }
}
