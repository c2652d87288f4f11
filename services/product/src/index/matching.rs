//! Which groups the words of a query match, and how well.
//!
//! The inverted index is tantivy's; what a match is worth is decided here, because a shop does not rank by frequency: a word
//! in the name beats one in the brand, which beats one in the text, however often it occurs.

use std::collections::BTreeSet;

use souk_values::CategoryId;
use tantivy::{
    Searcher, SegmentReader, Term,
    columnar::ColumnValues,
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

/// What a word is worth where it occurs, the highest of its occurrences; 0 is no match.
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
    places: std::sync::Arc<dyn ColumnValues<u64>>,
}

pub(super) struct Matcher<'s> {
    segments: Vec<Segment<'s>>,
    fields: Fields,
    shelf: &'s Shelf,
    tree: &'s CategoryTree,
}

/// How a word is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leniency {
    AsTyped,
    WithTypos,
}

impl<'s> Matcher<'s> {
    pub(super) fn new(
        searcher: &'s Searcher,
        fields: Fields,
        shelf: &'s Shelf,
        tree: &'s CategoryTree,
    ) -> Result<Self, IndexError> {
        let segments = searcher.segment_readers().iter().map(|reader| {
            let places = reader.fast_fields().u64("place")?.first_or_default_col(u64::MAX);
            Ok(Segment { reader, places })
        });
        Ok(Self { segments: segments.collect::<Result<_, IndexError>>()?, fields, shelf, tree })
    }

    /// Returns the groups in which every word occurs. A word that occurs nowhere is looked for with typos, and all words are
    /// when no group has them together.
    pub(super) fn matching(&self, query: &[QueryWord]) -> Result<Matches, IndexError> {
        let mut typos = Typos::default();
        let mut worths: Vec<Vec<u8>> = Vec::with_capacity(query.len());
        for word in query {
            let mut worth = self.word(word, Leniency::AsTyped, &mut typos)?;
            if worth.iter().all(|worth| *worth == 0) {
                worth = self.word(word, Leniency::WithTypos, &mut typos)?;
            }
            worths.push(worth);
        }
        let mut groups = together(&worths);
        if groups.is_empty() && query.len() > 1 {
            typos = Typos::default();
            for (word, worth) in query.iter().zip(&mut worths) {
                let lenient = self.word(word, Leniency::WithTypos, &mut typos)?;
                worth.iter_mut().zip(lenient).for_each(|(worth, lenient)| *worth = (*worth).max(lenient));
            }
            groups = together(&worths);
        }
        let corrected = typos.corrected(query).filter(|_| !groups.is_empty());
        Ok(Matches { groups, corrected })
    }

    /// Returns what a word is worth in each group.
    fn word(&self, word: &QueryWord, leniency: Leniency, typos: &mut Typos) -> Result<Vec<u8>, IndexError> {
        let mut parts = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            parts.push(match leniency {
                Leniency::AsTyped => self.as_typed(part)?,
                Leniency::WithTypos => self.with_typos(part, typos)?,
            });
        }
        // All parts have to occur; the word is worth as much as the least of them.
        let mut worth = parts.into_iter().reduce(|mut least, part| {
            least.iter_mut().zip(part).for_each(|(least, part)| *least = (*least).min(part));
            least
        });
        if let Some(worth) = &mut worth {
            self.exactly(self.fields.code, &words::code(&word.whole), worth::CODE, worth)?;
            if word.parts.len() > 1 {
                // `tea-pot` is also found as `teapot`.
                self.exactly(self.fields.name, &word.parts.concat(), worth::NAME, worth)?;
            }
        }
        Ok(worth.unwrap_or_default())
    }

    fn as_typed(&self, word: &str) -> Result<Vec<u8>, IndexError> {
        let Fields { name, name_stem, brand, text, text_stem, .. } = self.fields;
        let mut worth = self.none();
        if word.chars().count() >= MIN_PREFIX_OF_TEXT {
            self.beginning(text, word, worth::TEXT_BEGINS, &mut worth)?;
        }
        self.exactly(text, word, worth::TEXT, &mut worth)?;
        self.categories(word, &mut worth);
        self.beginning(brand, word, worth::BRAND_BEGINS, &mut worth)?;
        self.exactly(brand, word, worth::BRAND, &mut worth)?;
        self.beginning(name, word, worth::NAME_BEGINS, &mut worth)?;
        self.exactly(name, word, worth::NAME, &mut worth)?;
        for stem in words::stems(word) {
            self.exactly(text_stem, &stem, worth::TEXT, &mut worth)?;
            self.exactly(name_stem, &stem, worth::NAME, &mut worth)?;
        }
        Ok(worth)
    }

    /// A word that is too short for a typo is worth nothing here.
    fn with_typos(&self, word: &str, typos: &mut Typos) -> Result<Vec<u8>, IndexError> {
        let letters = word.chars().count();
        let mut worth = self.none();
        let most = if letters >= TWO_TYPOS { 2 } else { u8::from(letters >= ONE_TYPO) };
        for distance in 1..=most {
            let Fields { name, brand, text, .. } = self.fields;
            let mut nearest = Nearest::default();
            self.nearly(text, word, distance, worth::TEXT_TYPO, &mut worth, &mut nearest)?;
            self.nearly(brand, word, distance, worth::BRAND_TYPO, &mut worth, &mut nearest)?;
            self.nearly(name, word, distance, worth::NAME_TYPO, &mut worth, &mut nearest)?;
            if let Some(nearest) = nearest.word {
                typos.0.push((word.to_owned(), nearest));
                break;
            }
        }
        Ok(worth)
    }

    fn none(&self) -> Vec<u8> {
        vec![0; self.shelf.len()]
    }

    fn exactly(&self, field: Field, word: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            if let Some(term) = segment.reader.inverted_index(field)?.terms().get(word)? {
                segment.mark(field, &term, worth, worths)?;
            }
        }
        Ok(())
    }

    fn beginning(&self, field: Field, prefix: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.reader.inverted_index(field)?;
            let mut terms = index.terms().range().ge(prefix).into_stream()?;
            while terms.advance() && terms.key().starts_with(prefix.as_bytes()) {
                segment.mark(field, terms.value(), worth, worths)?;
            }
        }
        Ok(())
    }

    fn nearly(
        &self,
        field: Field,
        word: &str,
        distance: u8,
        worth: u8,
        worths: &mut [u8],
        nearest: &mut Nearest,
    ) -> Result<(), IndexError> {
        let automaton = FuzzyTermQuery::new(Term::from_field_text(field, word), distance, true).automaton()?;
        for segment in &self.segments {
            let index = segment.reader.inverted_index(field)?;
            let mut terms = index.terms().search(&automaton).into_stream()?;
            while terms.advance() {
                segment.mark(field, terms.value(), worth, worths)?;
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
    /// Raises the worth of all documents with a term.
    fn mark(&self, field: Field, term: &TermInfo, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        let index = self.reader.inverted_index(field)?;
        let mut postings = index.read_block_postings_from_terminfo(term, IndexRecordOption::Basic)?;
        let alive = self.reader.alive_bitset();
        while !postings.docs().is_empty() {
            for &document in postings.docs() {
                if alive.is_none_or(|alive| alive.is_alive(document)) {
                    let place = usize::try_from(self.places.get_val(document)).unwrap_or(usize::MAX);
                    raise(worths, place, worth);
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

/// Returns the groups in which all words are worth something, with the sum.
fn together(worths: &[Vec<u8>]) -> Vec<(usize, u32)> {
    let Some((first, rest)) = worths.split_first() else { return Vec::new() };
    let found = first.iter().enumerate().filter(|(_, worth)| **worth > 0);
    let sums = found.filter_map(|(place, worth)| {
        let mut sum = u32::from(*worth);
        for other in rest {
            let worth = other.get(place).copied().filter(|worth| *worth > 0)?;
            sum += u32::from(worth);
        }
        Some((place, sum))
    });
    sums.collect()
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
