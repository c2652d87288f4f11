//! Words of queries with what they are worth at each place, kept from one search to the next.
//!
//! A few words are in most queries, and these are in most documents too: with a million products, marking the documents of one
//! takes longer than all the rest of a search.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{IndexError, arena::wide, matching::Typos};

/// Bytes of all kept words together.
const KEPT_BYTES: u64 = 32_000_000;
/// Words that are expected to fit.
const EXPECTED: usize = 1_000;
/// Bytes that a kept word takes beside its worths.
const OVERHEAD: usize = 200;
/// Places that are counted together: less than 256, so that a byte counts them.
const BLOCK: usize = 64;
/// Places from which on words are kept: with fewer, they are marked again as quickly.
const MIN_PLACES: usize = 20_000;

/// Comparison of a word with those of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Leniency {
    AsTyped,
    WithTypos,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct WordKey {
    edits: u64,
    /// The shelf may grow before an edit is counted.
    places: usize,
    /// The word with its punctuation.
    word: String,
    leniency: Leniency,
}

/// The worths of a word.
#[derive(Debug)]
pub(super) struct Worths {
    form: Form,
    pub typos: Typos,
}

#[derive(Debug)]
enum Form {
    /// Worths of a frequent word at every place; 0 where it does not occur.
    Everywhere(Box<[u8]>),
    /// Places of another word in rising order, with its worth at each.
    Somewhere(Box<[(u32, u8)]>),
}

impl Worths {
    /// `at` are the worths at every place, 0 where the word does not occur.
    pub(super) fn new(at: &[u8], typos: Typos) -> Self {
        let places = at.chunks(BLOCK).map(places_in).sum::<usize>();
        // A listed place takes as much memory as eight worths.
        if places > at.len() / size_of::<(u32, u8)>() {
            return Self { form: Form::Everywhere(at.into()), typos };
        }
        let mut listed = Vec::with_capacity(places);
        each_of(at, |place, worth| listed.push((place, worth)));
        Self { form: Form::Somewhere(listed.into()), typos }
    }

    /// Returns true when the word occurs nowhere.
    pub(super) fn is_nowhere(&self) -> bool {
        matches!(&self.form, Form::Somewhere(listed) if listed.is_empty())
    }

    /// Number of places that [`each`](Self::each) looks at.
    pub(super) fn len(&self) -> usize {
        match &self.form {
            Form::Everywhere(at) => at.len(),
            Form::Somewhere(listed) => listed.len(),
        }
    }

    /// Returns the worth at a place, 0 where the word does not occur.
    pub(super) fn at(&self, place: u32) -> u8 {
        match &self.form {
            Form::Everywhere(at) => at.get(wide(place)).copied().unwrap_or(0),
            Form::Somewhere(listed) => {
                let found = listed.binary_search_by_key(&place, |(place, _)| *place);
                found.ok().and_then(|number| listed.get(number)).map_or(0, |(_, worth)| *worth)
            }
        }
    }

    /// Calls `look_at` with each place of the word and its worth there, in rising order.
    pub(super) fn each(&self, mut look_at: impl FnMut(u32, u8)) {
        match &self.form {
            Form::Everywhere(at) => each_of(at, look_at),
            Form::Somewhere(listed) => listed.iter().for_each(|(place, worth)| look_at(*place, *worth)),
        }
    }

    fn bytes(&self) -> usize {
        match &self.form {
            Form::Everywhere(at) => at.len(),
            Form::Somewhere(listed) => size_of_val(&**listed),
        }
    }
}

/// Calls `look_at` with each place that is worth something, in rising order.
fn each_of(at: &[u8], mut look_at: impl FnMut(u32, u8)) {
    let (eights, rest) = at.as_chunks();
    let mut start = 0;
    for eight in eights {
        // Only those of the eight that are worth something take time.
        let mut left = u64::from_le_bytes(*eight);
        while left != 0 {
            let number = left.trailing_zeros() / u8::BITS;
            let worth = left >> (number * u8::BITS) & u64::from(u8::MAX);
            left ^= worth << (number * u8::BITS);
            look_at(start + number, u8::try_from(worth).unwrap_or(u8::MAX));
        }
        start += 8;
    }
    let there = (start..).zip(rest.iter().copied()).filter(|(_, worth)| *worth > 0);
    there.for_each(|(place, worth)| look_at(place, worth));
}

/// Number of places in a block that are worth something. Without a branch for each, the compiler counts many at once.
fn places_in(block: &[u8]) -> usize {
    usize::from(block.iter().fold(0_u8, |count, worth| count + u8::from(*worth > 0)))
}

#[derive(Debug, Clone, Copy)]
struct ByBytes;

impl Weighter<WordKey, Arc<Worths>> for ByBytes {
    fn weight(&self, key: &WordKey, worths: &Arc<Worths>) -> u64 {
        u64::try_from(key.word.len() + worths.bytes() + OVERHEAD).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
pub(super) struct KeptWords(Cache<WordKey, Arc<Worths>, ByBytes>);

impl Default for KeptWords {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, KEPT_BYTES, ByBytes))
    }
}

/// The kept words of one state of the catalogue.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordsOf<'k> {
    pub kept: &'k KeptWords,
    /// Number of edits that a search sees at least.
    pub edits: u64,
    /// Number of places of the shelf.
    pub places: usize,
}

impl WordsOf<'_> {
    /// Returns the kept worths of a word, or those that `mark` makes. Searches for the same word wait for one of them.
    pub(super) fn get_or_mark(
        &self,
        word: &str,
        leniency: Leniency,
        mark: impl FnOnce() -> Result<Worths, IndexError>,
    ) -> Result<Arc<Worths>, IndexError> {
        if self.places < MIN_PLACES {
            return Ok(Arc::new(mark()?));
        }
        let key = WordKey { edits: self.edits, places: self.places, word: word.to_owned(), leniency };
        self.kept.0.get_or_insert_with(&key, || Ok(Arc::new(mark()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worths_are_the_same_listed_and_everywhere() {
        for places in [0, 1, 7, 8, 9, 63, 64, 200] {
            for every in [1, 2, 3, 9, 50] {
                let at: Vec<u8> = (0..places).map(|place| if place % every == 0 { 255 - place } else { 0 }).collect();
                let worths = Worths::new(&at, Typos::default());
                let mut seen = Vec::new();
                worths.each(|place, worth| seen.push((place, worth)));
                let wanted: Vec<(u32, u8)> = (0..).zip(at.clone()).filter(|(_, worth)| *worth > 0).collect();
                assert_eq!(seen, wanted, "{places} {every}");
                assert_eq!(worths.is_nowhere(), wanted.is_empty());
                let found: Vec<u8> = (0..u32::from(places)).map(|place| worths.at(place)).collect();
                assert_eq!((found, worths.at(u32::from(places))), (at, 0));
            }
        }
    }
}
