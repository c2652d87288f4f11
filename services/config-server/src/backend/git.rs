//! The Git backend: configuration files in Git repositories, read from commits without a checkout.
//!
//! Every repository has a mirror, a private copy in `basedir`, and so do repositories on this machine. The repository
//! is read for every request, or as `refresh-rate` has it, and never changed; new objects are copied. Its last known
//! state can therefore be served when it is gone, and the files that a request sees do not change under it.

pub(super) mod commit;

mod config;
mod entry;
mod fetch;
mod label_times;
mod local;
mod mirror;
mod objects;
mod origin;
mod refs;
mod repository;

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use gix::ObjectId;
use parking_lot::Mutex;
use souk_values::{Clock, IdGen};
use tokio::sync::Semaphore;

use super::{
    error::BackendError,
    interface::Backend,
    pattern::{TemplateValues, combinations},
    query::Query,
    snapshot::{Location, Root, Snapshot},
};
use commit::Commit;
use entry::RepositoryEntry;
use mirror::Basedir;
use origin::Origin;
use repository::{Repository, RepositoryState, Shared};

pub use config::{GitConfig, RepositoryConfig};

/// Limit on the repositories that are kept open; beyond it, the least recently used one is evicted.
const MAX_REPOSITORIES: usize = 256;
/// Limit on the requests that read from disk concurrently.
const MAX_CONCURRENT_READS: usize = 16;

/// Reads Git repositories.
pub struct GitBackend {
    /// The entries of `repos` in the order of their names, then the default repository.
    entries: Vec<RepositoryEntry>,
    repositories: Mutex<Repositories>,
    shared: Shared,
    reads: Arc<Semaphore>,
}

/// The open repositories by the names of their mirrors.
#[derive(Default)]
struct Repositories {
    by_mirror: HashMap<String, OpenRepository>,
    /// Counts the uses, to order them.
    uses: u64,
}

struct OpenRepository {
    last_use: u64,
    repository: Arc<Repository>,
}

impl GitBackend {
    /// Creates the backend without reading any repository.
    ///
    /// Errors: the configuration makes no sense, or the folder for mirrors cannot be created.
    pub fn new(config: &GitConfig, clock: Arc<dyn Clock>, ids: &IdGen) -> Result<Self, BackendError> {
        let entries = entry::entries(config)?;
        let basedir = Basedir::new(&config.basedir, ids).map_err(BackendError::Unusable)?;
        Ok(Self {
            entries,
            repositories: Mutex::default(),
            shared: Shared { basedir, cache: Arc::new(objects::object_cache()), clock },
            reads: Arc::new(Semaphore::new(MAX_CONCURRENT_READS)),
        })
    }

    /// Returns the files of one entry: those of its repository, or of one for each combination of names in its URI.
    async fn entry_snapshot(&self, entry: &RepositoryEntry, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let label = query.label.unwrap_or(&entry.default_label);
        let mut snapshots = Vec::new();
        let mut first_error = None;
        for values in combinations(&entry.uri, query, label)? {
            match self.repository_snapshot(entry, values, query).await {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match (snapshots.len(), first_error) {
            (0, Some(error)) => Err(error),
            (0 | 1, _) => {
                snapshots.pop().ok_or_else(|| BackendError::Refused("the request names no application".to_owned()))
            }
            _ => Ok(combine(snapshots)),
        }
    }

    async fn repository_snapshot(
        &self,
        entry: &RepositoryEntry,
        values: TemplateValues<'_>,
        query: &Query<'_>,
    ) -> Result<Snapshot, BackendError> {
        let repository = self.repository(entry, values)?;
        let state = repository.current().await?;
        let reader = SnapshotReader {
            repository,
            state,
            entry: entry.clone(),
            applications: query.applications.to_vec(),
            profiles: query.profiles.to_vec(),
            label: query.label.map(str::to_owned),
        };
        let slot = Arc::clone(&self.reads).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            reader.snapshot()
        });
        read.await.map_err(|error| BackendError::Unusable(format!("reading the repository failed: {error}")))?
    }

    fn repository(&self, entry: &RepositoryEntry, values: TemplateValues<'_>) -> Result<Arc<Repository>, BackendError> {
        let uri = entry.uri.fill(values)?;
        let mirror_name = entry.mirror_name(&uri);
        let mut repositories = self.repositories.lock();
        repositories.uses += 1;
        let last_use = repositories.uses;
        if let Some(open) = repositories.by_mirror.get_mut(&mirror_name) {
            open.last_use = last_use;
            return Ok(Arc::clone(&open.repository));
        }
        let origin = Origin::parse(&uri, entry.credentials.clone()).map_err(|error| entry.error(&error))?;
        if origin.clear_text_authorization().is_some() {
            tracing::warn!(repository.uri = origin.display_uri, "the password is sent in clear text; use https");
        }
        if repositories.by_mirror.len() >= MAX_REPOSITORIES {
            repositories.evict_one();
        }
        let refresh = entry.refresh.clone();
        let repository =
            Repository::new(origin, refresh, mirror_name.clone(), self.shared.clone(), entry.refresh_slots());
        let open = OpenRepository { last_use, repository: Arc::clone(&repository) };
        repositories.by_mirror.insert(mirror_name, open);
        Ok(repository)
    }

    /// Returns the entries of a single repository, whose URI has no placeholders.
    fn fixed_entries(&self) -> impl Iterator<Item = &RepositoryEntry> {
        self.entries.iter().filter(|entry| !entry.uri.has_placeholders())
    }
}

impl Repositories {
    /// Evicts the least recently used repository among those that are not in use now.
    fn evict_one(&mut self) {
        let unused = self.by_mirror.iter().filter(|(_, open)| Arc::strong_count(&open.repository) == 1);
        let oldest = unused.min_by_key(|(_, open)| open.last_use).map(|(name, _)| name.clone());
        if let Some(open) = oldest.and_then(|name| self.by_mirror.remove(&name)) {
            open.repository.remove_mirror();
        }
    }
}

#[async_trait]
impl Backend for GitBackend {
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let mut last_error = None;
        for entry in self.entries.iter().filter(|entry| entry.matches(query)) {
            match self.entry_snapshot(entry, query).await {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => last_error = Some(error),
            }
        }
        let no_match =
            || BackendError::Refused("no repository is configured for this application and profile".to_owned());
        Err(last_error.unwrap_or_else(no_match))
    }

    fn uris(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.display_uri.clone()).collect()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let mut failures = Vec::new();
        for entry in self.fixed_entries() {
            let current = match self.repository(entry, TemplateValues::NONE) {
                Ok(repository) => repository.current().await.map(drop),
                Err(error) => Err(error),
            };
            failures.extend(current.err().map(|error| error.to_string()));
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn warnings(&self) -> Vec<String> {
        let warning = |entry| self.repository(entry, TemplateValues::NONE).ok()?.warning();
        self.fixed_entries().filter_map(warning).collect()
    }

    async fn prepare(&self) -> Result<(), BackendError> {
        for entry in self.fixed_entries().filter(|entry| entry.clone_on_start) {
            self.repository(entry, TemplateValues::NONE)?.cloned().await?;
        }
        Ok(())
    }

    fn expire(&self) {
        self.repositories.lock().by_mirror.values().for_each(|open| open.repository.expire());
    }
}

impl fmt::Debug for GitBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitBackend").field("repositories", &self.uris()).finish_non_exhaustive()
    }
}

/// Everything that a blocking thread needs to read the snapshot of one repository.
struct SnapshotReader {
    repository: Arc<Repository>,
    state: Arc<RepositoryState>,
    entry: RepositoryEntry,
    applications: Vec<String>,
    profiles: Vec<String>,
    label: Option<String>,
}

impl SnapshotReader {
    fn snapshot(&self) -> Result<Snapshot, BackendError> {
        let (label, id) = self.commit()?;
        let root = self.state.objects.root(id)?;
        let first_seen = self.repository.first_seen(&label, id);
        let commit = Arc::new(Commit::new(Arc::clone(&self.state.objects), root, first_seen));
        let folders = self.folders(&commit, &label)?;
        let name = &self.repository.origin.display_uri;
        let location = |folder: String| Location::new(name, &folder, Root::Git(Arc::clone(&commit)));
        let locations = folders.into_iter().map(location).collect();
        Ok(Snapshot { version: Some(id.to_string()), label: Some(label), locations })
    }

    /// Returns the label in effect, and its commit.
    fn commit(&self) -> Result<(String, ObjectId), BackendError> {
        let repository = mirror::open(&self.state.folder).map_err(BackendError::Unusable)?;
        let label = self.label.as_deref().unwrap_or(&self.entry.default_label);
        match self.state.refs.commit(&repository, label) {
            Err(BackendError::UnknownLabel(_)) if self.entry.falls_back_to_master(label) => {
                let unknown = || BackendError::UnknownLabel(label.to_owned());
                Ok(("master".to_owned(), self.state.refs.commit(&repository, "master").map_err(|_| unknown())?))
            }
            found => Ok((label.to_owned(), found?)),
        }
    }

    /// Returns the root, then the folders that the search paths name.
    fn folders(&self, commit: &Commit, label: &str) -> Result<Vec<String>, BackendError> {
        let query = Query { applications: &self.applications, profiles: &self.profiles, label: Some(label) };
        let mut folders = vec![String::new()];
        for path in &self.entry.search_paths {
            for values in combinations(path, &query, label)? {
                for folder in commit.folders(&path.folders(values, false)?)? {
                    if !folders.contains(&folder) {
                        folders.push(folder);
                    }
                }
            }
        }
        Ok(folders)
    }
}

/// Combines the snapshots of several repositories, weakest first.
fn combine(snapshots: Vec<Snapshot>) -> Snapshot {
    let versions: Vec<String> = snapshots.iter().filter_map(|snapshot| snapshot.version.clone()).collect();
    let label = snapshots.first().and_then(|snapshot| snapshot.label.clone());
    let locations = snapshots.into_iter().flat_map(|snapshot| snapshot.locations).collect();
    Snapshot { version: Some(versions.join(",")), label, locations }
}
