//! `routes.json`: the pages of the web shop, and the files that each of them loads.

use std::collections::HashMap;

use serde::Deserialize;
use souk_values::Language;

use super::archive::ArchiveError;

/// Pattern of the page for unknown addresses.
const UNKNOWN: &str = "/**";

#[derive(Debug, Deserialize)]
pub(super) struct RouteFiles {
    pub styles: Vec<String>,
    pub fonts: Vec<String>,
    languages: HashMap<String, Vec<String>>,
    routes: Vec<PageFiles>,
}

#[derive(Debug, Deserialize)]
struct PageFiles {
    /// Such as `/c/:slug`.
    path: String,
    files: Vec<String>,
}

impl RouteFiles {
    pub fn parse(json: &[u8]) -> Result<Self, ArchiveError> {
        serde_json::from_slice(json).map_err(|error| ArchiveError::Invalid("routes.json", error.to_string()))
    }

    /// Returns the files of the page at `path`, which has no leading slash, and true if the web shop has such a page.
    pub fn of(&self, path: &str) -> (&[String], bool) {
        let page = self.routes.iter().find(|page| page.path != UNKNOWN && matches(&page.path, path));
        let unknown = || self.routes.iter().find(|page| page.path == UNKNOWN);
        (page.or_else(unknown).map_or(&[][..], |page| &page.files), page.is_some())
    }

    pub fn language(&self, language: Language) -> &[String] {
        self.languages.get(language.code()).map_or(&[], Vec::as_slice)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    if pattern == "admin" && path.starts_with("admin/") {
        return true;
    }
    let mut segments = path.split('/');
    let is_match = pattern.split('/').all(|part| match (part, segments.next()) {
        (_, None) => false,
        (part, Some(segment)) if part.starts_with(':') => !segment.is_empty(),
        (part, Some(segment)) => part == segment,
    });
    is_match && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path) in
            [("/", ""), ("/c/:slug", "c/tea"), ("/orders/:id/pay", "orders/7/pay"), ("/admin", "admin/products/7")]
        {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("/", "c"), ("/c/:slug", "c"), ("/c/:slug", "c/"), ("/c/:slug", "c/tea/green"), ("/cart", "cart/")]
        {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
