//! The files of one state of a repository or folder, as one request sees them.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{
    error::BackendError,
    file::{File, check_path},
    folder::{self, SymlinkPolicy},
    git::commit::Commit,
};

/// The files of one state. Those of Git and of memory never change while they are read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Commit id, 40 hexadecimal digits; of several repositories joined by commas. `None` for files without versions.
    pub version: Option<String>,
    /// The label that was read: the request's, or the backend's default. `None` for a backend without labels.
    pub label: Option<String>,
    /// Locations to search, weakest first.
    pub locations: Vec<Location>,
}

impl Snapshot {
    /// Returns a snapshot of `files` in memory. Its only location names its sources `{name}/{path}`.
    pub fn in_memory<P: Into<String>, B: Into<Bytes>>(name: &str, files: impl IntoIterator<Item = (P, B)>) -> Self {
        let files = files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        let root = Location::new(name, "", Root::Memory(Arc::new(files)));
        Self { version: None, label: None, locations: vec![root] }
    }

    /// Adds the folder `folder` of the first location as the strongest location.
    #[must_use]
    pub fn with_folder(mut self, folder: &str) -> Self {
        if let Some(root) = self.locations.first() {
            let stronger = Location::new(&root.name, folder, root.root.clone());
            self.locations.push(stronger);
        }
        self
    }

    /// Reads the file at `path`, relative to `location` and with `/` between folders; `None` when it does not exist.
    /// Blocks on the disk.
    ///
    /// Errors: the path is absolute or contains `..`, a symbolic link leaves the location, the file is larger than
    /// 16 MiB, or the storage cannot be read.
    pub fn read(&self, location: &Location, path: &str) -> Result<Option<File>, BackendError> {
        check_path(path)?;
        match &location.root {
            Root::Memory(files) => {
                let bytes = files.get(&location.path_from_root(path)).cloned();
                Ok(bytes.map(|bytes| File { bytes, modified: None }))
            }
            Root::Git(commit) => commit.read(&location.folder, path),
            Root::Folder(root, symlinks) => folder::read(root, path, *symlinks),
        }
    }
}

/// One folder of a [`Snapshot`].
#[derive(Clone)]
pub struct Location {
    /// Name of the repository or folder, without credentials and without a slash at its end.
    name: String,
    /// Folder within it, without slashes around it; empty for its root.
    folder: String,
    root: Root,
}

/// The storage behind a location.
#[derive(Clone)]
pub(super) enum Root {
    /// Files by path.
    Memory(Arc<BTreeMap<String, Bytes>>),
    Git(Arc<Commit>),
    Folder(PathBuf, SymlinkPolicy),
}

impl Location {
    pub(super) fn new(name: &str, folder: &str, root: Root) -> Self {
        let trimmed = if name.ends_with(":/") || name == "/" { name } else { name.trim_end_matches('/') };
        Self { name: trimmed.to_owned(), folder: folder.trim_matches('/').to_owned(), root }
    }

    /// Returns the name of the property source made of the file at `path`: `{uri}/{path in the repository}`.
    #[must_use]
    pub fn source_name(&self, path: &str) -> String {
        let slash = if self.name.ends_with('/') { "" } else { "/" };
        format!("{}{slash}{}", self.name, self.path_from_root(path))
    }

    fn path_from_root(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location").field("name", &self.name).field("folder", &self.folder).finish_non_exhaustive()
    }
}
