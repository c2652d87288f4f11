//! Which files make an environment, and which of them is stronger.

use std::collections::HashSet;

use super::{
    Environment, EnvironmentError, PropertySource, activation,
    document::{self, Kind},
};
use crate::backend::{BackendError, File, Location, Query, Snapshot, check};

/// More files than this are not looked for in one request.
pub(super) const MOST_CANDIDATES: usize = 20_000;

/// The name of the files that every application shares.
const SHARED: &str = "application";

/// Reads what `query` asks for. It looks for every possible name and lists no folder, so the number of files that
/// are there does not matter.
///
/// Errors: a file cannot be parsed, the request names too many applications and profiles, or the backend's own.
pub fn read(snapshot: &Snapshot, query: &Query<'_>) -> Result<Environment, EnvironmentError> {
    let names = names(query.applications);
    let profiles = distinct(query.profiles.iter().map(String::as_str));
    let candidates = (profiles.len() + 1)
        .saturating_mul(names.len())
        .saturating_mul(Kind::WEAKEST_FIRST.len())
        .saturating_mul(snapshot.locations.len());
    if candidates > MOST_CANDIDATES {
        return Err(EnvironmentError::TooMany(candidates));
    }
    let levels = std::iter::once(None).chain(profiles.iter().copied().map(Some));
    let mut weakest_first = Vec::new();
    for profile in levels {
        for location in &snapshot.locations {
            for name in &names {
                for kind in Kind::WEAKEST_FIRST {
                    let path = file_name(name, profile, kind);
                    if let Some(file) = file(snapshot, location, &path)? {
                        let found = Found { location, path: &path, profile, kind, file };
                        weakest_first.extend(found.sources(&profiles)?);
                    }
                }
            }
        }
    }
    weakest_first.reverse();
    Ok(Environment {
        name: query.applications.join(","),
        profiles: query.profiles.to_vec(),
        label: query.label.map(str::to_owned),
        version: snapshot.version.clone(),
        property_sources: uniquely_named(weakest_first),
    })
}

/// A file that is there and cannot be had is an error that names it: without it the answer would be another one.
fn file(snapshot: &Snapshot, location: &Location, path: &str) -> Result<Option<File>, EnvironmentError> {
    check(path)?;
    snapshot.read(location, path).map_err(|error| match error {
        BackendError::Refused(cause) | BackendError::Unusable(cause) => {
            EnvironmentError::Unreadable { file: location.source_name(path), line: None, cause }
        }
        other @ BackendError::UnknownLabel(_) => other.into(),
    })
}

/// The files' stems, weakest first.
fn names(applications: &[String]) -> Vec<&str> {
    let mut names = distinct(applications.iter().map(String::as_str).filter(|name| *name != SHARED));
    names.insert(0, SHARED);
    names
}

/// `items` without empty ones; of equal ones the last stays, which is the strongest.
fn distinct<'i>(items: impl DoubleEndedIterator<Item = &'i str>) -> Vec<&'i str> {
    let mut seen = HashSet::new();
    let mut kept: Vec<_> = items.rev().filter(|item| !item.is_empty() && seen.insert(*item)).collect();
    kept.reverse();
    kept
}

fn file_name(name: &str, profile: Option<&str>, kind: Kind) -> String {
    let extension = kind.extension();
    match profile {
        Some(profile) => format!("{name}-{profile}.{extension}"),
        None => format!("{name}.{extension}"),
    }
}

/// A file that is there.
struct Found<'f> {
    location: &'f Location,
    path: &'f str,
    profile: Option<&'f str>,
    kind: Kind,
    file: File,
}

impl Found<'_> {
    /// Its active documents, weakest first.
    fn sources(&self, profiles: &[&str]) -> Result<Vec<PropertySource>, EnvironmentError> {
        let name = self.location.source_name(self.path);
        let unreadable = |broken: document::Broken| EnvironmentError::Unreadable {
            file: name.clone(),
            line: broken.line,
            cause: broken.cause,
        };
        let documents = document::parse(self.kind, &self.file.bytes).map_err(unreadable)?;
        let several = documents.len() > 1;
        let mut sources = Vec::new();
        for (number, document) in documents.into_iter().enumerate() {
            let condition = activation::condition(&document).map_err(unreadable)?;
            if self.profile.is_some() && condition.is_modern() {
                return Err(unreadable(document::Broken::whole(
                    "a file of one profile may not hold a document with spring.config.activate.on-profile",
                )));
            }
            if condition.holds(profiles) {
                let name = if several { format!("{name} (document #{number})") } else { name.clone() };
                sources.push(PropertySource { name, source: document });
            }
        }
        Ok(sources)
    }
}

/// Two search paths may name the same folder: then the same file is there twice, and its stronger place counts.
fn uniquely_named(strongest_first: Vec<PropertySource>) -> Vec<PropertySource> {
    let mut seen = HashSet::new();
    strongest_first.into_iter().filter(|source| seen.insert(source.name.clone())).collect()
}

#[cfg(test)]
#[path = "files/tests.rs"]
mod tests;
