//! Slugs: the readable part of a product's or category's URL, of `a-z`, `0-9` and single hyphens.

use crate::text::fold;

/// Maximum length in characters.
pub(crate) const MAX_SLUG: usize = 150;

/// Derives a slug: every run of other characters becomes one hyphen. Empty when no character is left.
pub(crate) fn slugify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        if letter.is_ascii_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    // `truncate` counts bytes; here each is a character, because all are ASCII.
    out.truncate(MAX_SLUG);
    out.truncate(out.trim_end_matches('-').len());
    out
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
        assert_eq!(slugify("茶"), "");
        for text in ["", "-a", "a-", "a--b", "A", "a b", "é"] {
            assert!(!is_slug(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_result_is_a_slug_or_empty(text in "\\PC{0,300}") {
            let made = slugify(&text);
            prop_assert!(made.is_empty() || is_slug(&made), "{made}");
        }
    }
}
