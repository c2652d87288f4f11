//! The pictures of a product, in order: the first one is its main picture.

use serde::{Deserialize, Serialize};

/// Maximum number of pictures of a product.
pub(crate) const MAX_PICTURES: usize = 50;
/// Maximum length of an alternative text in characters.
pub(crate) const MAX_ALT: usize = 500;

/// A picture with its text for those who do not see it. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductPicture {
    /// URL, or a path on this shop.
    pub url: String,
    /// Empty when there is none.
    pub alt: String,
    /// Size of the original in pixels, where it is known.
    pub width: Option<u32>,
    pub height: Option<u32>,
}

impl ProductPicture {
    pub(crate) fn new(url: String, alt: String) -> Self {
        Self { url, alt, width: None, height: None }
    }
}

/// Returns `pictures` with `url` as their first: moved there, or in the place of the first. Without a URL there are none.
pub(crate) fn with_main(pictures: &[ProductPicture], url: Option<&str>) -> Vec<ProductPicture> {
    let Some(url) = url else { return Vec::new() };
    let known = pictures.iter().find(|picture| picture.url == url).cloned();
    // A known picture leaves its place; an unknown one takes that of the main picture.
    let rest = pictures.iter().skip(usize::from(known.is_none())).filter(|picture| picture.url != url).cloned();
    let first = known.clone().unwrap_or_else(|| ProductPicture::new(url.to_owned(), String::new()));
    std::iter::once(first).chain(rest).collect()
}

/// Returns `pictures` with `picture` as the last, unless it is one of them; `None` when there are too many.
pub(crate) fn with_added(pictures: &[ProductPicture], picture: ProductPicture) -> Option<Vec<ProductPicture>> {
    if pictures.iter().any(|other| other.url == picture.url) {
        return Some(pictures.to_vec());
    }
    (pictures.len() < MAX_PICTURES).then(|| pictures.iter().cloned().chain([picture]).collect())
}

/// Returns `pictures` without repetitions, at most [`MAX_PICTURES`].
pub(crate) fn distinct(pictures: impl IntoIterator<Item = ProductPicture>) -> Vec<ProductPicture> {
    let mut kept: Vec<ProductPicture> = Vec::new();
    for picture in pictures {
        if kept.len() < MAX_PICTURES && kept.iter().all(|other| other.url != picture.url) {
            kept.push(picture);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(urls: &str) -> Vec<ProductPicture> {
        urls.chars().map(|url| ProductPicture::new(url.to_string(), format!("picture {url}"))).collect()
    }

    fn urls(pictures: &[ProductPicture]) -> String {
        pictures.iter().map(|picture| picture.url.as_str()).collect()
    }

    #[test]
    fn a_main_picture_is_moved_or_takes_the_place_of_the_first() {
        for (before, main, after) in
            [("abc", "c", "cab"), ("abc", "a", "abc"), ("abc", "x", "xbc"), ("", "x", "x"), ("a", "x", "x")]
        {
            assert_eq!(urls(&with_main(&pictures(before), Some(main))), after, "{before} {main}");
        }
        assert_eq!(with_main(&pictures("abc"), None), []);
        assert_eq!(with_main(&pictures("abc"), Some("c"))[0].alt, "picture c");
    }

    #[test]
    fn a_picture_is_added_once_and_up_to_the_limit() {
        let added = |before: &[ProductPicture], url: &str| with_added(before, pictures(url).remove(0));
        assert_eq!(urls(&added(&pictures("ab"), "c").unwrap()), "abc");
        assert_eq!(urls(&added(&pictures("ab"), "a").unwrap()), "ab");
        let full: Vec<_> = (0..MAX_PICTURES).map(|n| ProductPicture::new(n.to_string(), String::new())).collect();
        assert_eq!(added(&full, "x"), None);
    }

    #[test]
    fn a_repeated_picture_stands_once() {
        assert_eq!(urls(&distinct(pictures("abacb"))), "abc");
        let many = (0..90).map(|n| ProductPicture::new(n.to_string(), String::new()));
        assert_eq!(distinct(many).len(), MAX_PICTURES);
    }
}
