//! Words of texts and queries, as the index stores and looks for them.

use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};

use crate::text;

/// Longest word that is stored, in bytes: people do not type longer ones.
const MAX_WORD: usize = 80;
/// Letters from which on a word has stems.
const MIN_STEMMED: usize = 3;

static STEMMERS: LazyLock<[Stemmer; 2]> =
    LazyLock::new(|| [Stemmer::new(Algorithm::English), Stemmer::new(Algorithm::German)]);

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryWord {
    /// The word with its punctuation, such as `kit-cook-0001`.
    pub whole: String,
    /// The words between punctuation, such as `kit`, `cook` and `0001`; never empty.
    pub parts: Vec<String>,
}

/// Returns the words of `text` without punctuation. A word with punctuation within is there in parts and as one: `tea-pot`
/// is `tea`, `pot` and `teapot`.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text::words(&text::fold(text)) {
        let parts: Vec<&str> = parts(&word).collect();
        if parts.len() > 1 {
            words.push(parts.concat());
        }
        words.extend(parts.into_iter().map(str::to_owned));
    }
    words.retain(|word| word.len() <= MAX_WORD);
    words
}

/// Returns the first `max` words of a query; none for one of punctuation alone.
pub(super) fn of_query(query: &str, max: usize) -> Vec<QueryWord> {
    let words = text::words(&text::fold(query)).into_iter().filter_map(|whole| {
        let parts: Vec<String> = parts(&whole).map(str::to_owned).collect();
        (!parts.is_empty()).then_some(QueryWord { whole, parts })
    });
    words.take(max).collect()
}

/// Returns a code such as a SKU as the index compares it.
pub(super) fn code(text: &str) -> String {
    text::fold(text)
}

/// Returns the English and the German stem of a folded word, where they differ from each other.
pub(super) fn stems(word: &str) -> Vec<String> {
    if word.chars().count() < MIN_STEMMED || !word.chars().all(|letter| letter.is_ascii_lowercase()) {
        return Vec::new();
    }
    let mut stems: Vec<String> = STEMMERS.iter().map(|stemmer| stemmer.stem(word).to_string()).collect();
    stems.dedup();
    stems
}

fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(is_punctuation).filter(|part| !part.is_empty())
}

/// Returns true for characters that separate words. Marks that belong to letters, as in Hindi and Thai, do not.
const fn is_punctuation(letter: char) -> bool {
    letter.is_ascii_punctuation()
        || matches!(letter,
            '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b4}' | '\u{b6}'..='\u{b9}' | '\u{bb}'..='\u{bf}' | '×' | '÷'
            | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{5be}' | '\u{5f3}' | '\u{5f4}'
            | '\u{2010}'..='\u{205e}' | '\u{2190}'..='\u{2bff}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3020}'
            | '\u{30fb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_separates_and_joins_words() {
        assert_eq!(of_text("Tea-pot, 1.5 l (steel)"), ["teapot", "tea", "pot", "15", "1", "5", "l", "steel"]);
        assert_eq!(of_text("l’été"), ["lete", "l", "ete"]);
        assert_eq!(of_text("हिन्दी किताब"), ["हिन्दी", "किताब"]);
        assert_eq!(of_text("– / %"), Vec::<String>::new());
        assert_eq!(of_text(&"x".repeat(90)), Vec::<String>::new());
    }

    #[test]
    fn a_query_keeps_whole_words_for_codes() {
        let words = of_query("KIT-01 pan !", 8);
        assert_eq!(words[0], QueryWord { whole: "kit-01".to_owned(), parts: vec!["kit".to_owned(), "01".to_owned()] });
        assert_eq!(words.len(), 2);
        assert_eq!(of_query("a b c", 2).len(), 2);
    }

    #[test]
    fn stems_are_english_and_german() {
        assert!(stems("pans").contains(&"pan".to_owned()));
        assert!(stems("pfannen").iter().any(|stem| stems("pfanne").contains(stem)));
        assert_eq!(stems("ghế"), Vec::<String>::new());
        assert_eq!(stems("26"), Vec::<String>::new());
    }
}
