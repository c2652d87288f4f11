//! The words of a recipient's name, by which an admin finds orders. Pure.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words of a name that are indexed; the others are ignored.
const MAX_WORDS: usize = 10;
/// Characters of a word that are indexed and compared.
const MAX_WORD: usize = 40;

/// Returns the distinct words of `text` in lower case and without accents: `Zoë O'Neill-Müller` has `zoe`, `o`, `neill` and
/// `muller`.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    // Decomposed before and after: `İ` in lower case has a mark.
    let folded: String =
        text.nfkd().flat_map(char::to_lowercase).nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    let words = folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(MAX_WORD).collect()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_words_without_case_and_accents() {
        for (name, expected) in [
            ("Ada Byron", &["ada", "byron"][..]),
            ("  Zoë O'Neill-Müller ", &["muller", "neill", "o", "zoe"]),
            ("İpek ADA ada", &["ada", "ipek"]),
            ("李 小龍", &["小龍", "李"]),
            ("–", &[]),
        ] {
            assert!(words(name).iter().eq(expected), "{name}: {:?}", words(name));
        }
        let long = "x".repeat(100);
        assert_eq!(words(&long).first().map(String::len), Some(MAX_WORD));
    }
}
