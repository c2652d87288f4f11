//! Slugs: the readable part of a product's or category's URL, of `a-z`, `0-9` and single hyphens.

use std::fmt::Display;

use deunicode::deunicode_char;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Maximum length in characters.
pub(crate) const MAX_SLUG: usize = 150;
/// Hexadecimal digits that distinguish derived values with the same readable part.
const HASH_DIGITS: usize = 8;

/// Derives a slug: letters of any script are transliterated, and every run of other characters becomes one hyphen. A slug
/// that is too long ends with a hash of the whole text. Empty when no letter or digit is left.
pub(crate) fn slugify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.nfc() {
        // `None` for marks without a spelling of their own, which are left out.
        for spelled in deunicode_char(letter).unwrap_or_default().chars() {
            if spelled.is_ascii_alphanumeric() {
                out.push(spelled.to_ascii_lowercase());
            } else if !matches!(spelled, '\'' | '`') && !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    if out.len() > MAX_SLUG { with_hash(&out, MAX_SLUG, text) } else { out }
}

/// Appends a hash of `source` to the ASCII text `readable`, which is shortened so that both have at most `max` characters.
pub(crate) fn with_hash(readable: &str, max: usize, source: &str) -> String {
    let hash = hex::encode(Sha256::digest(source));
    let kept = max.saturating_sub(HASH_DIGITS + 1);
    let readable = readable.get(..kept).unwrap_or(readable).trim_end_matches('-');
    let separator = if readable.is_empty() { "" } else { "-" };
    format!("{readable}{separator}{hash:.HASH_DIGITS$}")
}

/// Appends an id, which makes a slug unique.
pub(crate) fn with_id(slug: &str, id: impl Display) -> String {
    let suffix = format!("-{id}");
    let readable = slug.get(..MAX_SLUG.saturating_sub(suffix.len())).unwrap_or(slug).trim_end_matches('-');
    format!("{readable}{suffix}")
}

pub(crate) fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SLUG
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_slugs() {
        assert_eq!(slugify("Coffee & Tea"), "coffee-tea");
        assert_eq!(slugify("  Copper Sauté Pan – 24 cm! "), "copper-saute-pan-24-cm");
        assert_eq!(slugify("Baker's Peel, 30½ cm"), "bakers-peel-301-2-cm");
        for text in ["", "-a", "a-", "a--b", "A", "a b", "é"] {
            assert!(!is_slug(text), "{text}");
        }
    }

    #[test]
    fn any_script_is_transliterated() {
        let names = [
            ("Ghế gỗ Việt", "ghe-go-viet"),
            ("茶杯 蓝色", "cha-bei-lan-se"),
            ("Красный", "krasnyi"),
            ("Синий", "sinii"),
            ("한국 차", "hangug-ca"),
            ("مرحبا", "mrhb"),
            ("שלום", "shlvm"),
            ("ไทย", "aithy"),
            ("Ελληνικός", "ellenikos"),
            ("🎁", "gift"),
            ("e\u{301}te\u{301}", "ete"),
            ("ع", ""),
        ];
        for (name, slug) in names {
            assert_eq!(slugify(name), slug, "{name}");
        }
    }

    #[test]
    fn a_long_slug_ends_with_a_hash() {
        let long = "word ".repeat(60);
        let slug = slugify(&long);
        assert!(is_slug(&slug) && slug.len() == MAX_SLUG, "{slug} {}", slug.len());
        assert_ne!(slug, slugify(&format!("{long}x")));
        assert_eq!(with_hash("", 100, "茶").len(), 8);
        assert_eq!(with_hash("tea", 100, "茶"), format!("tea-{}", with_hash("", 100, "茶")));
        assert_ne!(with_hash("tea", 100, "茶"), with_hash("tea", 100, "茶茶"));
    }

    proptest! {
        #[test]
        fn the_result_is_a_slug_or_empty(text in "\\PC{0,300}") {
            let made = slugify(&text);
            prop_assert!(made.is_empty() || is_slug(&made), "{made}");
            if !made.is_empty() {
                let unique = with_id(&made, 9_007_199_254_740_991_i64);
                prop_assert!(is_slug(&unique) && unique.ends_with("-9007199254740991"), "{unique}");
            }
            let hashed = with_hash(&made, 100, &text);
            prop_assert!(is_slug(&hashed) && hashed.len() <= 100, "{hashed}");
        }
    }
}
