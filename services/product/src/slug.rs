//! The part of an address that names a product or category: `a-z`, `0-9` and single hyphens.

use crate::words::fold;

/// The longest slug, characters.
pub const MAX_SLUG: usize = 150;

/// A slug made of `text`: every run of other characters becomes one hyphen. Empty when nothing is left.
#[must_use]
pub fn slugify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        if letter.is_ascii_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    // What is left is ASCII, so bytes are characters.
    out.truncate(MAX_SLUG);
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// Whether `text` is a slug.
#[must_use]
pub fn is_slug(text: &str) -> bool {
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
        fn what_is_made_is_a_slug_or_nothing(text in "\\PC{0,300}") {
            let made = slugify(&text);
            prop_assert!(made.is_empty() || is_slug(&made), "{made}");
        }
    }
}
