//! Configuration files in Git repositories, read from commits without a checkout.
//!
//! Every repository has a private copy in `basedir`, one on this machine too: it is looked at for every request (or as
//! `refresh-rate` says), never changed, and what is new in it is copied. So its last known state can be served when it
//! is gone, and what a request sees does not change under it.

mod commit;
mod fetch;
mod local;
mod mirror;
mod objects;
mod origin;
mod refs;
mod repository;
mod route;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use gix::ObjectId;
use souk_values::{Clock, IdGen};
use tokio::sync::Semaphore;

use super::{
    Backend, BackendError, GitConfig, Location, Query, Root, Snapshot,
    pattern::{Values, combinations},
};
use mirror::Basedir;
use objects::Kept;
use origin::Origin;
use repository::{Known, Repository};
use route::Route;

pub(super) use commit::Commit;
pub(super) use origin::shown;

/// How many of them are remembered.
const MOST_REPOSITORIES: usize = 256;
/// How many requests read from disk at once.
const READS_AT_ONCE: usize = 16;

/// Reads Git repositories.
pub struct GitBackend {
    /// The entries of `repos` in the order of their names, then the one for everything else.
    routes: Vec<Route>,
    repositories: Mutex<Repositories>,
    basedir: Arc<Basedir>,
    kept: Arc<Kept>,
    clock: Arc<dyn Clock>,
    reads: Arc<Semaphore>,
}

/// By the number of the route and the URI.
#[derive(Default)]
struct Repositories {
    by_uri: HashMap<(usize, String), (u64, Arc<Repository>)>,
    uses: u64,
}

impl GitBackend {
    /// Opens nothing yet. Errors: the configuration makes no sense, or there is no folder for copies; in a sentence.
    pub fn new(config: &GitConfig, clock: Arc<dyn Clock>, ids: &IdGen) -> Result<Self, BackendError> {
        Ok(Self {
            routes: route::all(config)?,
            repositories: Mutex::default(),
            basedir: Basedir::new(&config.basedir, ids).map_err(BackendError::Unusable)?,
            kept: Arc::new(objects::kept()),
            clock,
            reads: Arc::new(Semaphore::new(READS_AT_ONCE)),
        })
    }

    /// The files of one route: those of one repository, or of one for each combination of names in its URI.
    async fn of_route(&self, number: usize, route: &Route, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let label = query.label.unwrap_or(&route.default_label);
        let mut snapshots = Vec::new();
        let mut failed = None;
        for values in combinations(&route.uri, query, label)? {
            match self.of_repository(number, route, values, query).await {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match (snapshots.len(), failed) {
            (0, Some(error)) => Err(error),
            (0 | 1, _) => snapshots.pop().ok_or_else(|| BackendError::Refused("no name was asked for".to_owned())),
            _ => Ok(joined(snapshots)),
        }
    }

    async fn of_repository(
        &self,
        number: usize,
        route: &Route,
        values: Values<'_>,
        query: &Query<'_>,
    ) -> Result<Snapshot, BackendError> {
        let repository = self.repository(number, route, values)?;
        let known = repository.current().await?;
        let reader = Reader {
            repository,
            known,
            route: route.clone(),
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

    fn repository(&self, number: usize, route: &Route, values: Values<'_>) -> Result<Arc<Repository>, BackendError> {
        let uri = route.uri.fill(values)?;
        let mut repositories = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.uses += 1;
        let (now, key) = (repositories.uses, (number, uri));
        if let Some((used, repository)) = repositories.by_uri.get_mut(&key) {
            *used = now;
            return Ok(Arc::clone(repository));
        }
        let origin = Origin::parse(&key.1, route.credentials.clone()).map_err(|error| route.refused(&error))?;
        if origin.clear_text_authorization().is_some() {
            tracing::warn!(repository.uri = %origin.shown, "the password goes over the network in clear text; use https");
        }
        if repositories.by_uri.len() >= MOST_REPOSITORIES {
            repositories.forget_one();
        }
        let shared = (&self.basedir, &self.kept, &self.clock);
        let slots = route.uri.has_placeholders().then(|| Arc::clone(&route.looks));
        let name = route.copy_name(&key.1);
        let repository = Repository::new(origin, route.terms.clone(), name, shared, slots);
        repositories.by_uri.insert(key, (now, Arc::clone(&repository)));
        Ok(repository)
    }

    /// The repositories whose URIs have no placeholders.
    fn fixed(&self) -> impl Iterator<Item = Result<Arc<Repository>, BackendError>> {
        let nothing = Values { application: "", profile: "", label: "" };
        let fixed = self.routes.iter().enumerate().filter(|(_, route)| !route.uri.has_placeholders());
        fixed.map(move |(number, route)| self.repository(number, route, nothing))
    }
}

impl Repositories {
    /// The one that was not used for longest, if nobody uses it now.
    fn forget_one(&mut self) {
        let unused = self.by_uri.iter().filter(|(_, (_, repository))| Arc::strong_count(repository) == 1);
        let oldest = unused.min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
        if let Some((_, repository)) = oldest.and_then(|key| self.by_uri.remove(&key)) {
            repository.remove_copy();
        }
    }
}

#[async_trait]
impl Backend for GitBackend {
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let mut failed = None;
        for (number, route) in self.routes.iter().enumerate().filter(|(_, route)| route.is_for(query)) {
            match self.of_route(number, route, query).await {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed
            .unwrap_or_else(|| BackendError::Refused("no repository is for this application and profile".to_owned())))
    }

    fn describe(&self) -> Vec<String> {
        self.routes.iter().map(|route| route.shown.clone()).collect()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        for repository in self.fixed() {
            let current = match repository {
                Ok(repository) => repository.current().await.map(drop),
                Err(error) => Err(error),
            };
            wrong.extend(current.err().map(|error| error.to_string()));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn expire(&self) {
        let repositories = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.by_uri.values().for_each(|(_, repository)| repository.expire());
    }

    fn warnings(&self) -> Vec<String> {
        self.fixed().filter_map(|repository| repository.ok()?.trouble()).collect()
    }

    async fn begin(&self) -> Result<(), BackendError> {
        for (number, route) in self.routes.iter().enumerate() {
            if route.clones_on_start && !route.uri.has_placeholders() {
                let nothing = Values { application: "", profile: "", label: "" };
                self.repository(number, route, nothing)?.cloned().await?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for GitBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitBackend").field("repositories", &self.describe()).finish_non_exhaustive()
    }
}

/// What a request needs to read a repository on another thread.
struct Reader {
    repository: Arc<Repository>,
    known: Arc<Known>,
    route: Route,
    applications: Vec<String>,
    profiles: Vec<String>,
    label: Option<String>,
}

impl Reader {
    fn snapshot(&self) -> Result<Snapshot, BackendError> {
        let (label, id) = self.commit()?;
        let root = self.known.objects.root(id)?;
        let seen = self.repository.seen(&label, id);
        let commit = Arc::new(Commit::new(Arc::clone(&self.known.objects), root, seen));
        let folders = self.folders(&commit, &label)?;
        let shown = &self.repository.origin.shown;
        let location = |folder: String| Location::new(shown, &folder, Root::Git(Arc::clone(&commit)));
        let locations = folders.into_iter().map(location).collect();
        Ok(Snapshot { version: Some(id.to_string()), label: Some(label), locations })
    }

    /// The label that counts, and its commit.
    fn commit(&self) -> Result<(String, ObjectId), BackendError> {
        let repository = mirror::open(&self.known.folder).map_err(BackendError::Unusable)?;
        let label = self.label.as_deref().unwrap_or(&self.route.default_label);
        match self.known.refs.commit(&repository, label) {
            Err(BackendError::UnknownLabel(_)) if self.route.is_main_then_master(label) => {
                let unknown = || BackendError::UnknownLabel(label.to_owned());
                Ok(("master".to_owned(), self.known.refs.commit(&repository, "master").map_err(|_| unknown())?))
            }
            found => Ok((label.to_owned(), found?)),
        }
    }

    /// The root, then what the search paths name.
    fn folders(&self, commit: &Commit, label: &str) -> Result<Vec<String>, BackendError> {
        let query = Query { applications: &self.applications, profiles: &self.profiles, label: Some(label) };
        let mut folders = vec![String::new()];
        for path in &self.route.search_paths {
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

/// One snapshot of several repositories, weakest first.
fn joined(snapshots: Vec<Snapshot>) -> Snapshot {
    let versions: Vec<String> = snapshots.iter().filter_map(|snapshot| snapshot.version.clone()).collect();
    let label = snapshots.first().and_then(|snapshot| snapshot.label.clone());
    let locations = snapshots.into_iter().flat_map(|snapshot| snapshot.locations).collect();
    Snapshot { version: Some(versions.join(",")), label, locations }
}

/// An error and what caused it, in one line.
fn why(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !text.is_empty() && texts.iter().all(|known| !known.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ")
}
