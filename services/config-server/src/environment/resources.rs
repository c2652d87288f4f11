//! Finds files that are returned as they are, such as a log configuration or a certificate.

use std::borrow::Cow;

use super::error::EnvironmentError;
use crate::backend::{BackendError, File, Query, Snapshot};

/// The order in which locations are searched for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocationOrder {
    /// The root of the repository before its search paths.
    RootFirst,
    /// The last search path first, as for property sources.
    StrongestFirst,
}

/// Finds the file at `path`, or its variant for a profile of the query: `logback-dev.xml` for `logback.xml`. The first
/// location that has one of them wins, and within it the query's first profile.
///
/// Returns `None` when no location has the file, or the path could leave its location.
pub(crate) fn find_resource(
    snapshot: &Snapshot,
    query: &Query<'_>,
    path: &str,
    order: LocationOrder,
) -> Result<Option<File>, EnvironmentError> {
    if !is_allowed(path) {
        return Ok(None);
    }
    let mut locations: Vec<_> = snapshot.locations.iter().collect();
    if order == LocationOrder::StrongestFirst {
        locations.reverse();
    }
    for location in locations {
        for candidate in candidates(path, query.profiles) {
            match snapshot.read(location, &candidate) {
                Ok(None) | Err(BackendError::Refused(_)) => {}
                found => return Ok(found?),
            }
        }
    }
    Ok(None)
}

fn candidates(path: &str, profiles: &[String]) -> Vec<String> {
    let stem_end = path.rfind('.').filter(|dot| path.rfind('/').is_none_or(|slash| slash < *dot));
    let (stem, extension) = path.split_at_checked(stem_end.unwrap_or(path.len())).unwrap_or((path, ""));
    let specific = profiles.iter().take_while(|profile| *profile != "default");
    let mut candidates: Vec<_> = specific.map(|profile| format!("{stem}-{profile}{extension}")).collect();
    candidates.push(path.to_owned());
    candidates
}

/// True for a plain relative path, also after its escapes are decoded once or twice: an intermediary may decode them.
fn is_allowed(path: &str) -> bool {
    let mut path = Cow::Borrowed(path);
    for _ in 0..3 {
        if !is_plain(&path) {
            return false;
        }
        let Ok(decoded) = percent_encoding::percent_decode_str(&path).decode_utf8() else { return false };
        path = Cow::Owned(decoded.into_owned());
    }
    true
}

fn is_plain(path: &str) -> bool {
    let is_hidden =
        |segment: &str| ["WEB-INF", "META-INF", ".git"].iter().any(|hidden| segment.eq_ignore_ascii_case(hidden));
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !is_hidden(segment);
    path.split(['/', '\\']).all(is_plain) && !path.contains(":/") && !path.starts_with("url:") && !path.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(files: &[&str], profiles: &[&str], path: &str, order: LocationOrder) -> Option<String> {
        let files = files.iter().map(|path| ((*path).to_owned(), path.as_bytes().to_vec()));
        let snapshot = Snapshot::in_memory("mem:", files).with_folder("sub");
        let profiles: Vec<_> = profiles.iter().map(|profile| (*profile).to_owned()).collect();
        let query = Query { applications: &["shop".to_owned()], profiles: &profiles, label: None };
        let found = find_resource(&snapshot, &query, path, order).unwrap();
        found.map(|resource| String::from_utf8(resource.bytes.to_vec()).unwrap())
    }

    #[test]
    fn the_first_location_wins_and_within_it_the_profile() {
        let order = LocationOrder::RootFirst;
        let files = ["a.xml", "a-dev.xml", "sub/a.xml", "sub/a-db.xml", "x.d/no-extension", "x.d/no-extension-dev"];
        for (profiles, path, expected) in [
            (&["dev"][..], "a.xml", "a-dev.xml"),
            (&["db"], "a.xml", "a.xml"),
            (&["db", "dev"], "a.xml", "a-dev.xml"),
            (&["default"], "a.xml", "a.xml"),
            (&["dev"], "x.d/no-extension", "x.d/no-extension-dev"),
        ] {
            assert_eq!(find(&files, profiles, path, order).as_deref(), Some(expected), "{profiles:?} {path}");
        }
        assert_eq!(find(&files, &["dev"], "b.xml", order), None);
        let strongest = find(&files, &["db"], "a.xml", LocationOrder::StrongestFirst);
        assert_eq!(strongest.as_deref(), Some("sub/a-db.xml"));
    }

    #[test]
    fn a_path_that_leaves_the_location_finds_nothing() {
        let files = ["a.xml", "WEB-INF/a.xml", "sub/a.xml", ".git/config", "a..b.xml"];
        for path in [
            "",
            "../a.xml",
            "sub/../a.xml",
            "/a.xml",
            "sub//a.xml",
            "./a.xml",
            "%2e%2e/a.xml",
            "%252e%252e/a.xml",
            "..%2fa.xml",
            "..\\a.xml",
            "WEB-INF/a.xml",
            "web-inf/a.xml",
            ".git/config",
            "file:/a.xml",
            "url:a.xml",
            "a.xml\0",
            "%00",
            "%ff",
        ] {
            assert!(!is_allowed(path), "{path}");
            assert_eq!(find(&files, &["dev"], path, LocationOrder::RootFirst), None, "{path}");
        }
        assert!(find(&files, &["dev"], "a..b.xml", LocationOrder::RootFirst).is_some());
    }
}
