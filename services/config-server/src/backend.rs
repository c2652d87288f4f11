//! Where configuration files come from: Git repositories, folders, or files inside the binary.

mod folder;
mod git;
mod git_config;
mod layered;
mod memory;
mod native;
mod pattern;

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use git::GitBackend;
pub use git_config::{GitConfig, RepositoryConfig};
pub use layered::LayeredBackend;
pub use memory::EmbeddedBackend;
pub use native::{NativeBackend, NativeConfig};

use folder::Links;
use git::Commit;
use memory::Files;

/// A file larger than this is refused: configuration is small, and memory is not without end.
pub const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What a request asks for, already decoded and checked.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The applications, weakest first.
    pub applications: &'q [String],
    /// The profiles, weakest first.
    pub profiles: &'q [String],
    /// Branch, tag or commit; `None` means the backend's default.
    pub label: Option<&'q str>,
}

/// The files of one state of one repository (or folder), as one request sees them. Files of Git and of memory
/// never change under the reader.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The commit, 40 hexadecimal digits. `None`: the files are not versioned.
    pub version: Option<String>,
    /// The label that was used: the request's, or the backend's default. `None`: the backend has no labels.
    pub label: Option<String>,
    /// Where to look, weakest first.
    pub locations: Vec<Location>,
}

impl Snapshot {
    /// A snapshot of `files` in memory, with one location whose sources are named `{name}/{path}`.
    pub fn in_memory<P: Into<String>, B: Into<Bytes>>(name: &str, files: impl IntoIterator<Item = (P, B)>) -> Self {
        let files = files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        let root = Location::new(name, "", Root::Memory(Arc::new(files)));
        Self { version: None, label: None, locations: vec![root] }
    }

    /// This snapshot with one more and stronger location: the folder `folder` of the first one.
    #[must_use]
    pub fn and_folder(mut self, folder: &str) -> Self {
        if let Some(root) = self.locations.first() {
            let stronger = Location::new(&root.name, folder, root.root.clone());
            self.locations.push(stronger);
        }
        self
    }

    /// The file at `path`, relative to `location` and with `/` between folders; `None` when there is no such file.
    /// It may read from disk: call it where blocking is allowed.
    ///
    /// Errors: the path is absolute or has `..`, it leads out of the location over a symbolic link, the file is
    /// larger than [`LARGEST_FILE`], or what is stored cannot be read.
    pub fn read(&self, location: &Location, path: &str) -> Result<Option<File>, BackendError> {
        location.read(path)
    }
}

/// One folder of a [`Snapshot`].
#[derive(Clone)]
pub struct Location {
    /// The repository's or the folder's name, without credentials and without a slash at its end.
    name: String,
    /// The folder within it, without slashes around it; empty for its root.
    folder: String,
    root: Root,
}

/// What holds a location's files.
#[derive(Clone)]
enum Root {
    Memory(Arc<Files>),
    Git(Arc<Commit>),
    /// Canonical.
    Folder(PathBuf, Links),
}

impl Location {
    fn new(name: &str, folder: &str, root: Root) -> Self {
        let trimmed = if name.ends_with(":/") || name == "/" { name } else { name.trim_end_matches('/') };
        Self { name: trimmed.to_owned(), folder: folder.trim_matches('/').to_owned(), root }
    }

    /// The name of the property source made of the file at `path`: `{uri}/{path in the repository}`.
    #[must_use]
    pub fn source_name(&self, path: &str) -> String {
        let slash = if self.name.ends_with('/') { "" } else { "/" };
        if self.folder.is_empty() {
            format!("{}{slash}{path}", self.name)
        } else {
            format!("{}{slash}{}/{path}", self.name, self.folder)
        }
    }

    fn read(&self, path: &str) -> Result<Option<File>, BackendError> {
        check(path)?;
        match &self.root {
            Root::Memory(files) => Ok(memory::read(files, &self.folder, path)),
            Root::Git(commit) => commit.read(&self.folder, path),
            Root::Folder(root, links) => folder::read(root, path, *links),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location").field("name", &self.name).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// All of it.
    pub bytes: Bytes,
    /// When it was changed: in a folder the file's own time, in Git the moment this server first saw the label at
    /// this commit. It never goes back, whatever is pushed. `None`: not known.
    pub modified: Option<DateTime<Utc>>,
}

/// Why there are no files to be had. No text holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// No branch, tag or commit is called so.
    #[error("there is no branch, tag or commit {0:?}")]
    UnknownLabel(String),
    /// What was asked for leads out of where it may lead, or is too large.
    #[error("refused: {0}")]
    Refused(String),
    /// The repository cannot be used yet, and no earlier state of it is known: asking again may help.
    #[error("{0}")]
    Unusable(String),
}

/// A place that configuration files come from.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The files that `query` is answered from. Cheap to hold; a caller that goes away leaves nothing half done.
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError>;

    /// The URIs, without credentials.
    fn describe(&self) -> Vec<String>;

    /// Whether requests can be answered now, if only from what was last known: a sentence for each part that cannot.
    async fn probe(&self) -> Result<(), Vec<String>>;

    /// What does not work though requests are still answered, from what was last known: a sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is to be done before the first request, such as `clone-on-start`. Errors: a sentence that says what to do.
    async fn begin(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Somebody was told that the remote changed: the next request looks, however short a time ago the last one did.
    fn expire(&self) {}
}

/// Refuses what could lead out of a location: `..`, absolute paths, empty parts, and a repository's own files.
pub(crate) fn check(path: &str) -> Result<(), BackendError> {
    let refused = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if path.contains(['\\', '\0']) || path.split('/').any(refused) {
        return Err(BackendError::Refused(format!("{path:?} is not a path within a location")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
