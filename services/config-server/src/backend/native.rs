//! The native backend: configuration files in folders of this machine, without versions.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::{
    error::BackendError,
    file::check_path,
    folder::{self, SymlinkPolicy},
    interface::Backend,
    pattern::{FolderPattern, Template, TemplateValues, combinations},
    query::Query,
    snapshot::{Location, Root, Snapshot},
};

/// The section `config-server.native`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NativeConfig {
    /// Folders, weakest first: paths or `file:` URIs, with placeholders and `*`. Default: `./` and `./config/`.
    pub search_locations: Vec<String>,
    /// Label of a request that names none. A folder of the label's name in any of the locations is one more and
    /// stronger location. Default: `main`.
    pub default_label: String,
}

impl Default for NativeConfig {
    fn default() -> Self {
        Self { search_locations: vec!["./".to_owned(), "./config/".to_owned()], default_label: "main".to_owned() }
    }
}

/// Reads folders, whose files may change at any time: each is read when a request needs it.
#[derive(Debug, Clone)]
pub struct NativeBackend {
    folders: Folders,
    default_label: String,
}

#[derive(Debug, Clone)]
enum Folders {
    Searched(Vec<SearchLocation>),
    /// A single folder of the process's owner, which need not exist.
    Single(PathBuf),
}

#[derive(Debug, Clone)]
struct SearchLocation {
    configured: String,
    is_absolute: bool,
    template: Template,
}

impl NativeBackend {
    /// Errors: a location that does not name a folder.
    pub fn new(config: &NativeConfig) -> Result<Self, BackendError> {
        let locations = config.search_locations.iter().map(|configured| SearchLocation::new(configured));
        let folders = Folders::Searched(locations.collect::<Result<_, _>>()?);
        Ok(Self { folders, default_label: config.default_label.clone() })
    }

    /// Returns a backend of one folder, whose path is taken literally, and of the folder in it that has the label's
    /// name. Its symbolic links may lead anywhere, since its owner made them; paths of requests may not. A folder that
    /// does not exist counts as empty.
    pub fn from_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folders: Folders::Single(folder.into()), default_label: NativeConfig::default().default_label }
    }

    fn read_folders(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let label = query.label.unwrap_or(&self.default_label);
        let (mut roots, symlinks) = match &self.folders {
            Folders::Searched(locations) => (search(locations, query, label)?, SymlinkPolicy::Within),
            Folders::Single(folder) => (
                fs::canonicalize(folder).into_iter().filter(|folder| folder.is_dir()).collect(),
                SymlinkPolicy::Anywhere,
            ),
        };
        if !label.is_empty() {
            check_path(label)?;
            for root in roots.clone() {
                let labelled = folder::resolve(&root, Path::new(label), symlinks)?;
                roots.extend(labelled.filter(|labelled| labelled.is_dir()));
            }
        }
        let label = Some(label).filter(|label| !label.is_empty()).map(str::to_owned);
        let location =
            |root: PathBuf| Location::new(&format!("file:{}", root.display()), "", Root::Folder(root, symlinks));
        Ok(Snapshot { version: None, label, locations: roots.into_iter().map(location).collect() })
    }
}

/// Returns the existing folders that answer `query`, each once.
fn search(locations: &[SearchLocation], query: &Query<'_>, label: &str) -> Result<Vec<PathBuf>, BackendError> {
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

impl SearchLocation {
    fn new(configured: &str) -> Result<Self, BackendError> {
        let refused = |reason: &str| Err(BackendError::Refused(format!("search location {configured:?}: {reason}")));
        let path = match configured.split_once(':') {
            Some(("file", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                match percent_decode_str(path).decode_utf8() {
                    Ok(path) => path.into_owned(),
                    Err(_) => return refused("is not UTF-8"),
                }
            }
            Some(("classpath" | "optional", _)) => {
                return refused("is a Java location; name a folder such as ./config/");
            }
            _ => configured.to_owned(),
        };
        if path.is_empty() {
            return refused("is empty; name a folder such as ./config/");
        }
        let is_absolute = path.starts_with('/');
        Ok(Self { configured: configured.to_owned(), is_absolute, template: Template::new(&path) })
    }

    /// Returns the existing folders, canonical and sorted. Whatever placeholders and wildcards stand for must be within
    /// the folder that is written before them.
    fn folders(&self, values: TemplateValues<'_>) -> Result<Vec<PathBuf>, BackendError> {
        let parts = self.template.folders(values, true)?;
        let (fixed, open) = parts.split_at(self.template.fixed_folders(&parts).min(parts.len()));
        let start = PathBuf::from(if self.is_absolute { "/" } else { "." });
        let base: PathBuf = fixed.iter().filter_map(FolderPattern::text).fold(start, |path, part| path.join(part));
        let Ok(base) = fs::canonicalize(base) else { return Ok(Vec::new()) };
        let mut found = BTreeSet::from([base.clone()]);
        for part in open {
            let mut next = BTreeSet::new();
            for parent in &found {
                match part.text() {
                    Some(name) => next.extend(folder::resolve(&base, &parent.join(name), SymlinkPolicy::Within)?),
                    None => next.extend(matching(&base, parent, part)),
                }
            }
            found = next;
        }
        Ok(found.into_iter().filter(|path| path.is_dir()).collect())
    }
}

/// Returns the entries of `parent` that match `part` and are within `base`.
fn matching(base: &Path, parent: &Path, part: &FolderPattern) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| part.matches(name));
    names.filter_map(|name| folder::resolve(base, &parent.join(name), SymlinkPolicy::Within).ok().flatten()).collect()
}

#[async_trait]
impl Backend for NativeBackend {
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let backend = self.clone();
        let applications = query.applications.to_vec();
        let profiles = query.profiles.to_vec();
        let label = query.label.map(str::to_owned);
        let read = tokio::task::spawn_blocking(move || {
            backend.read_folders(&Query { applications: &applications, profiles: &profiles, label: label.as_deref() })
        });
        read.await.map_err(|error| BackendError::Unusable(format!("reading the folders failed: {error}")))?
    }

    fn uris(&self) -> Vec<String> {
        match &self.folders {
            Folders::Searched(locations) => locations.iter().map(|location| location.configured.clone()).collect(),
            Folders::Single(folder) => vec![folder.display().to_string()],
        }
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let Folders::Searched(locations) = &self.folders else { return Ok(()) };
        let fixed: Vec<&SearchLocation> =
            locations.iter().filter(|location| !location.template.has_placeholders()).collect();
        let exists =
            |location: &&SearchLocation| location.folders(TemplateValues::NONE).is_ok_and(|found| !found.is_empty());
        if fixed.len() < locations.len() || fixed.iter().any(exists) {
            return Ok(());
        }
        Err(vec![format!(
            "none of the folders {} exists; create one of them, or change search-locations",
            self.uris().join(", ")
        )])
    }
}
