//! Finds the files of an environment, and puts them in order of precedence.

use std::collections::HashSet;

use super::{
    activation,
    document::ParseError,
    error::EnvironmentError,
    file_format::FileFormat,
    property_sources::{Environment, PropertySource},
};
use crate::backend::{BackendError, File, Location, Query, Snapshot, check_path};

/// Limit on the file names that one request may try.
const MAX_CANDIDATES: usize = 20_000;

/// Stem of the files that every application shares.
const SHARED: &str = "application";

/// Reads the environment that `query` selects. Tries every possible file name instead of listing folders, so that the
/// number of files in the repository does not matter.
///
/// Errors: a file cannot be parsed; the request names too many applications and profiles; those of the backend.
pub(crate) fn read(snapshot: &Snapshot, query: &Query<'_>) -> Result<Environment, EnvironmentError> {
    let names = names(query.applications);
    let profiles = distinct(query.profiles.iter().map(String::as_str));
    let candidates = (profiles.len() + 1)
        .saturating_mul(names.len())
        .saturating_mul(FileFormat::WEAKEST_FIRST.len())
        .saturating_mul(snapshot.locations.len());
    if candidates > MAX_CANDIDATES {
        return Err(EnvironmentError::TooManyFiles { candidates, limit: MAX_CANDIDATES });
    }
    let levels = std::iter::once(None).chain(profiles.iter().copied().map(Some));
    let mut sources: Vec<PropertySource> = Vec::new();
    // The nesting is the precedence: a profile outweighs the location, the location the name, the name the format.
    for profile in levels {
        for location in &snapshot.locations {
            for name in &names {
                for format in FileFormat::WEAKEST_FIRST {
                    let path = file_name(name, profile, format);
                    if let Some(file) = read_file(snapshot, location, &path)? {
                        let found = FoundFile { location, path: &path, profile, format, file };
                        sources.extend(found.active_sources(&profiles)?);
                    }
                }
            }
        }
    }
    // The protocol has the strongest source first.
    sources.reverse();
    // Two search paths may name the same folder, and the stronger of the two counts.
    let mut seen = HashSet::new();
    sources.retain(|source| seen.insert(source.name.clone()));
    Ok(Environment {
        name: query.applications.join(","),
        profiles: query.profiles.to_vec(),
        label: query.label.map(str::to_owned),
        version: snapshot.version.clone(),
        property_sources: sources,
    })
}

/// Reads a file. One that exists and cannot be read is an error: without it, clients would silently receive other
/// values.
fn read_file(snapshot: &Snapshot, location: &Location, path: &str) -> Result<Option<File>, EnvironmentError> {
    check_path(path)?;
    snapshot.read(location, path).map_err(|error| match error {
        BackendError::Refused(cause) | BackendError::Unusable(cause) => {
            EnvironmentError::Unreadable { file: location.source_name(path), line: None, cause }
        }
        other @ BackendError::UnknownLabel(_) => other.into(),
    })
}

/// Returns the stems of the files, weakest first.
fn names(applications: &[String]) -> Vec<&str> {
    let mut names = distinct(applications.iter().map(String::as_str).filter(|name| *name != SHARED));
    names.insert(0, SHARED);
    names
}

/// Removes empty items, and of equal ones all but the last, which is the strongest.
fn distinct<'i>(items: impl DoubleEndedIterator<Item = &'i str>) -> Vec<&'i str> {
    let mut seen = HashSet::new();
    let mut kept: Vec<_> = items.rev().filter(|item| !item.is_empty() && seen.insert(*item)).collect();
    kept.reverse();
    kept
}

fn file_name(name: &str, profile: Option<&str>, format: FileFormat) -> String {
    let extension = format.extension();
    match profile {
        Some(profile) => format!("{name}-{profile}.{extension}"),
        None => format!("{name}.{extension}"),
    }
}

struct FoundFile<'f> {
    location: &'f Location,
    path: &'f str,
    profile: Option<&'f str>,
    format: FileFormat,
    file: File,
}

impl FoundFile<'_> {
    /// Returns the active documents, weakest first.
    fn active_sources(&self, profiles: &[&str]) -> Result<Vec<PropertySource>, EnvironmentError> {
        let name = self.location.source_name(self.path);
        let unreadable = |error: ParseError| EnvironmentError::Unreadable {
            file: name.clone(),
            line: error.line,
            cause: error.cause,
        };
        let documents = self.format.parse(&self.file.bytes).map_err(unreadable)?;
        let is_multi_document = documents.len() > 1;
        let mut sources = Vec::new();
        for (number, document) in documents.into_iter().enumerate() {
            let condition = activation::condition(&document).map_err(unreadable)?;
            // Spring refuses this too, since the two conditions could contradict each other.
            if self.profile.is_some() && condition.has_on_profile() {
                return Err(unreadable(ParseError::whole(
                    "a file of one profile may not contain a document with spring.config.activate.on-profile",
                )));
            }
            if condition.holds(profiles) {
                let name = if is_multi_document { format!("{name} (document #{number})") } else { name.clone() };
                sources.push(PropertySource { name, source: document });
            }
        }
        Ok(sources)
    }
}

#[cfg(test)]
mod tests;
