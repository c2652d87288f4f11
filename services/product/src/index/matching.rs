//! The groups that the words of a query match, and the worth of each match.
//!
//! The inverted index is tantivy's; what a match is worth is decided here, because a shop does not rank by frequency: a word
//! in the name beats one in the brand, which beats one in the text, however often it occurs.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tantivy::{
    Searcher, SegmentReader, Term,
    index::InvertedIndexReader,
    postings::TermInfo,
    query::FuzzyTermQuery,
    schema::{Field, IndexRecordOption},
};

use super::{
    IndexError,
    arena::wide,
    document::Fields,
    kept_words::{Leniency, WordsOf, Worths},
    places::Places,
    tree::NamedTree,
    words::{self, QueryWord},
};

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

/// Matching places that are looked at together.
const BLOCK: usize = 32;

/// The matching groups. The memory of one search serves the next, because the pages of a new one cost more than the search.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// Places in rising order, with the worth of all words together at each.
    places: Vec<(u32, u16)>,
    /// Worth at each place of the word that is being marked.
    marks: Vec<u8>,
    /// The query as it was understood, when a word occurs only with typos.
    pub corrected: Option<String>,
}

impl Matches {
    /// Returns the matching places with the worth of each, from the last place to the first, in blocks of a few.
    pub(super) fn blocks(&self) -> impl Iterator<Item = impl Iterator<Item = (usize, u32)> + Clone> {
        let blocks = self.places.rchunks(BLOCK);
        blocks.map(|block| block.iter().rev().map(|(place, worth)| (wide(*place), u32::from(*worth))))
    }

    /// Returns the worth that the `count` best matches have at least.
    pub(super) fn worth_of_best(&self, count: usize) -> u32 {
        let mut with_worth = BTreeMap::new();
        for (_, worth) in &self.places {
            *with_worth.entry(*worth).or_insert(0) += 1;
        }
        let mut best = 0;
        let enough = with_worth.into_iter().rev().find(|(_, matches)| {
            best += matches;
            best >= count
        });
        enough.map_or(0, |(worth, _)| u32::from(worth))
    }

    /// Takes the places at which all words are worth something.
    fn join(&mut self, mut words: Vec<Arc<Worths>>) {
        self.places.clear();
        // The rarest decides how many places are looked at.
        words.sort_unstable_by_key(|word| word.len());
        let Some((rarest, others)) = words.split_first() else { return };
        rarest.each(|place, worth| self.places.push((place, u16::from(worth))));
        for other in others {
            self.places.retain_mut(|(place, sum)| {
                let worth = other.at(*place);
                *sum += u16::from(worth);
                worth > 0
            });
        }
    }
}

/// A segment with the places of its documents.
struct Segment<'s> {
    reader: &'s SegmentReader,
    places: Arc<[u32]>,
    indexes: HashMap<Field, Arc<InvertedIndexReader>>,
}

pub(super) struct Matcher<'s> {
    segments: Vec<Segment<'s>>,
    fields: Fields,
    tree: &'s NamedTree,
    words: WordsOf<'s>,
}

impl<'s> Matcher<'s> {
    /// Errors: a segment without its places, which were then not read since the last commit.
    pub(super) fn new(
        searcher: &'s Searcher,
        of_segments: &Places,
        fields: Fields,
        tree: &'s NamedTree,
        words: WordsOf<'s>,
    ) -> Result<Self, IndexError> {
        let segments = searcher.segment_readers().iter().map(|reader| {
            let places = of_segments.of_segment(reader.segment_id());
            let places = places.ok_or(IndexError::Damaged("a segment without places"))?;
            let indexes = fields.searched().into_iter().map(|field| Ok((field, reader.inverted_index(field)?)));
            Ok(Segment { reader, places, indexes: indexes.collect::<Result<_, IndexError>>()? })
        });
        Ok(Self { segments: segments.collect::<Result<_, IndexError>>()?, fields, tree, words })
    }

    /// Finds the groups in which every word occurs. A word that occurs nowhere is looked for with typos, and all words are when
    /// no group has them together.
    pub(super) fn find(&self, query: &[QueryWord], matches: &mut Matches) -> Result<(), IndexError> {
        let mut typos = Typos::default();
        self.together(query, Leniency::AsTyped, &mut typos, matches)?;
        if query.len() > 1 && matches.places.is_empty() {
            typos = Typos::default();
            self.together(query, Leniency::WithTypos, &mut typos, matches)?;
        }
        matches.corrected = typos.corrected(query).filter(|_| !matches.places.is_empty());
        Ok(())
    }

    /// Finds the groups in which all words are worth something. A word that occurs nowhere as it is typed may always have
    /// typos.
    fn together(
        &self,
        query: &[QueryWord],
        leniency: Leniency,
        typos: &mut Typos,
        matches: &mut Matches,
    ) -> Result<(), IndexError> {
        let mut words = Vec::with_capacity(query.len());
        for word in query {
            let mut worths = self.as_typed(word, &mut matches.marks)?;
            if leniency == Leniency::WithTypos || worths.is_nowhere() {
                worths = self.with_typos(word, &worths, &mut matches.marks)?;
                typos.0.extend_from_slice(&worths.typos.0);
            }
            words.push(worths);
        }
        matches.join(words);
        Ok(())
    }

    fn as_typed(&self, word: &QueryWord, marks: &mut Vec<u8>) -> Result<Arc<Worths>, IndexError> {
        self.words.get_or_mark(&word.whole, Leniency::AsTyped, || {
            self.begin(marks);
            self.mark_word(word, marks, |part, marks| self.mark_as_typed(part, marks))?;
            self.exactly(self.fields.code, &words::code(&word.whole), worth::CODE, marks)?;
            Ok(Worths::new(marks, Typos::default()))
        })
    }

    /// Returns the worths of a word that may have typos, which are at least those `as_typed`.
    fn with_typos(&self, word: &QueryWord, as_typed: &Worths, marks: &mut Vec<u8>) -> Result<Arc<Worths>, IndexError> {
        self.words.get_or_mark(&word.whole, Leniency::WithTypos, || {
            self.begin(marks);
            as_typed.each(|place, worth| raise(marks, wide(place), worth));
            let mut typos = Typos::default();
            self.mark_word(word, marks, |part, marks| self.mark_with_typos(part, &mut typos, marks))?;
            Ok(Worths::new(marks, typos))
        })
    }

    /// Makes a word worth nothing at every place.
    fn begin(&self, marks: &mut Vec<u8>) {
        marks.clear();
        marks.resize(self.words.places, 0);
    }

    /// Raises `worths` by what a word is worth in each group; `mark` does it for a part of one.
    fn mark_word(
        &self,
        word: &QueryWord,
        worths: &mut [u8],
        mut mark: impl FnMut(&str, &mut [u8]) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        if let [part] = word.parts.as_slice() {
            return mark(part, worths);
        }
        // All parts have to occur; the word is worth as much as the least of them.
        let mut least = vec![u8::MAX; worths.len()];
        let mut part_worths = vec![0; worths.len()];
        for part in &word.parts {
            part_worths.fill(0);
            mark(part, &mut part_worths)?;
            least.iter_mut().zip(&part_worths).for_each(|(least, worth)| *least = (*least).min(*worth));
        }
        worths.iter_mut().zip(&least).for_each(|(worth, least)| *worth = (*worth).max(*least));
        // `tea-pot` is also found as `teapot`.
        self.exactly(self.fields.name, &word.parts.concat(), worth::NAME, worths)
    }

    fn mark_as_typed(&self, word: &str, worths: &mut [u8]) -> Result<(), IndexError> {
        let Fields { name, name_stem, brand, text, text_stem, .. } = self.fields;
        if word.chars().count() >= MIN_PREFIX_OF_TEXT {
            self.beginning(text, word, worth::TEXT_BEGINS, worths)?;
        }
        // A word of a category's name finds what is in the category.
        for category in self.tree.categories_named(word) {
            self.marked(&self.fields.category_key(category), worth::CATEGORY, worths)?;
        }
        self.beginning(brand, word, worth::BRAND_BEGINS, worths)?;
        self.exactly(brand, word, worth::BRAND, worths)?;
        self.beginning(name, word, worth::NAME_BEGINS, worths)?;
        let stems = words::stems(word);
        for stem in &stems {
            self.exactly(text_stem, stem, worth::TEXT, worths)?;
            self.exactly(name_stem, stem, worth::NAME, worths)?;
        }
        // Where a word stands, its stems do too.
        if stems.is_empty() {
            self.exactly(text, word, worth::TEXT, worths)?;
            self.exactly(name, word, worth::NAME, worths)?;
        }
        Ok(())
    }

    /// A word that is too short for a typo is worth nothing here.
    fn mark_with_typos(&self, word: &str, typos: &mut Typos, worths: &mut [u8]) -> Result<(), IndexError> {
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

    fn exactly(&self, field: Field, word: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.index(field)?;
            if let Some(term) = index.terms().get(word)? {
                segment.mark(index, &term, worth, worths)?;
            }
        }
        Ok(())
    }

    /// Marks the documents with a term that is no text.
    fn marked(&self, term: &Term, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.index(term.field())?;
            if let Some(info) = index.terms().get(term.serialized_value_bytes())? {
                segment.mark(index, &info, worth, worths)?;
            }
        }
        Ok(())
    }

    /// Marks the documents with a longer word that begins with `prefix`.
    fn beginning(&self, field: Field, prefix: &str, worth: u8, worths: &mut [u8]) -> Result<(), IndexError> {
        for segment in &self.segments {
            let index = segment.index(field)?;
            let mut terms = index.terms().range().gt(prefix).into_stream()?;
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
pub(super) struct Typos(Vec<(String, String)>);

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
