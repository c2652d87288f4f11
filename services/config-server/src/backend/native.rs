//! Configuration files in folders of this machine, without versions.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::{
    Backend, BackendError, Location, Query, Root, Snapshot, check,
    folder::{self, Links},
    pattern::{Folder, Template, combinations},
};

/// Which folders.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NativeConfig {
    /// Folders, weakest first: paths or `file:` URIs, with placeholders and `*`. `./` and `./config/`.
    pub search_locations: Vec<String>,
    /// The label of a request that names none. A folder called like the label, in any of the locations, is one more
    /// and stronger location. `main`.
    pub default_label: String,
}

impl Default for NativeConfig {
    fn default() -> Self {
        Self { search_locations: vec!["./".to_owned(), "./config/".to_owned()], default_label: "main".to_owned() }
    }
}

/// Reads folders. What they hold may change at any time; each file is read when it is asked for.
#[derive(Debug, Clone)]
pub struct NativeBackend {
    places: Places,
    default_label: String,
}

#[derive(Debug, Clone)]
enum Places {
    Searched(Vec<SearchLocation>),
    /// Of whoever runs this program; it need not exist.
    Own(PathBuf),
}

#[derive(Debug, Clone)]
struct SearchLocation {
    written: String,
    absolute: bool,
    template: Template,
}

impl NativeBackend {
    /// Errors: a location that is not a folder's, in a sentence.
    pub fn new(config: &NativeConfig) -> Result<Self, BackendError> {
        let locations = config.search_locations.iter().map(|written| SearchLocation::new(written));
        let places = Places::Searched(locations.collect::<Result<_, _>>()?);
        Ok(Self { places, default_label: config.default_label.clone() })
    }

    /// Reads one folder, whose path is taken as it is, and the one in it that is called like the label. It is its
    /// owner's: links in it may lead anywhere, though no request does. A folder that does not exist is empty.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        Self { places: Places::Own(folder.into()), default_label: NativeConfig::default().default_label }
    }

    fn look(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let label = query.label.unwrap_or(&self.default_label);
        let (mut roots, links) = match &self.places {
            Places::Searched(locations) => (searched(locations, query, label)?, Links::Within),
            Places::Own(folder) => (own(folder), Links::Anywhere),
        };
        if !label.is_empty() {
            check(label)?;
            for root in roots.clone() {
                let labelled = folder::followed(&root, Path::new(label), links)?;
                roots.extend(labelled.filter(|labelled| labelled.is_dir()));
            }
        }
        let label = Some(label).filter(|label| !label.is_empty()).map(str::to_owned);
        Ok(Snapshot { version: None, label, locations: roots.into_iter().map(|root| location(root, links)).collect() })
    }
}

/// The folders that `query` is answered from, each once.
fn searched(locations: &[SearchLocation], query: &Query<'_>, label: &str) -> Result<Vec<PathBuf>, BackendError> {
    let mut roots = Vec::new();
    for location in locations {
        for values in combinations(&location.template, query, label)? {
            for root in location.folders(values)? {
                if !roots.contains(&root) {
                    roots.push(root);
                }
            }
        }
    }
    Ok(roots)
}

/// The folder if it exists.
fn own(folder: &Path) -> Vec<PathBuf> {
    fs::canonicalize(folder).into_iter().filter(|folder| folder.is_dir()).collect()
}

fn location(root: PathBuf, links: Links) -> Location {
    Location::new(&format!("file:{}", root.display()), "", Root::Folder(root, links))
}

impl SearchLocation {
    fn new(written: &str) -> Result<Self, BackendError> {
        let refused = |why: &str| Err(BackendError::Refused(format!("search location {written:?}: {why}")));
        let path = match written.split_once(':') {
            Some(("file", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                match percent_decode_str(path).decode_utf8() {
                    Ok(path) => path.into_owned(),
                    Err(_) => return refused("is not UTF-8"),
                }
            }
            Some(("classpath" | "optional", _)) => return refused("is Java's; name a folder such as ./config/"),
            _ => written.to_owned(),
        };
        if path.is_empty() {
            return refused("is empty; name a folder such as ./config/");
        }
        Ok(Self { written: written.to_owned(), absolute: path.starts_with('/'), template: Template::new(&path) })
    }

    /// The existing folders, canonical and sorted. What placeholders and wildcards stand for must be within the
    /// folder that is written before them.
    fn folders(&self, values: super::pattern::Values<'_>) -> Result<Vec<PathBuf>, BackendError> {
        let parts = self.template.folders(values, true)?;
        let (fixed, open) = parts.split_at(self.template.fixed_folders(&parts).min(parts.len()));
        let start = PathBuf::from(if self.absolute { "/" } else { "." });
        let base: PathBuf = fixed.iter().filter_map(Folder::text).fold(start, |path, part| path.join(part));
        let Ok(base) = fs::canonicalize(base) else { return Ok(Vec::new()) };
        let mut found = BTreeSet::from([base.clone()]);
        for part in open {
            let mut next = BTreeSet::new();
            for parent in &found {
                match part.text() {
                    Some(name) => next.extend(folder::within(&base, &parent.join(name))?),
                    None => next.extend(matching(&base, parent, part)),
                }
            }
            found = next;
        }
        Ok(found.into_iter().filter(|path| path.is_dir()).collect())
    }
}

/// What in `parent` matches and is within `base`.
fn matching(base: &Path, parent: &Path, part: &Folder) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| part.matches(name));
    names.filter_map(|name| folder::within(base, &parent.join(name)).ok().flatten()).collect()
}

#[async_trait]
impl Backend for NativeBackend {
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let owned =
            (self.clone(), query.applications.to_vec(), query.profiles.to_vec(), query.label.map(str::to_owned));
        let looked = tokio::task::spawn_blocking(move || {
            let (backend, applications, profiles, label) = owned;
            backend.look(&Query { applications: &applications, profiles: &profiles, label: label.as_deref() })
        });
        looked.await.map_err(|error| BackendError::Unusable(format!("looking into the folders failed: {error}")))?
    }

    fn describe(&self) -> Vec<String> {
        match &self.places {
            Places::Searched(locations) => locations.iter().map(|location| location.written.clone()).collect(),
            Places::Own(folder) => vec![folder.display().to_string()],
        }
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let Places::Searched(locations) = &self.places else { return Ok(()) };
        let fixed: Vec<&SearchLocation> =
            locations.iter().filter(|location| !location.template.has_placeholders()).collect();
        let nothing = super::pattern::Values { application: "", profile: "", label: "" };
        let is_there = |location: &&SearchLocation| location.folders(nothing).is_ok_and(|found| !found.is_empty());
        if fixed.len() < locations.len() || fixed.iter().any(is_there) {
            return Ok(());
        }
        Err(vec![format!(
            "none of the folders {} exists; make one of them, or change search-locations",
            self.describe().join(", ")
        )])
    }
}
