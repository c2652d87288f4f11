//! Reads commits, folders and files of a mirror, and caches them in memory.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use gix::{ObjectId, objs::Kind};
use quick_cache::{Weighter, sync};
use souk_values::error_chain;

use super::mirror::{Basedir, open};
use crate::backend::{
    error::BackendError,
    file::{MAX_FILE_SIZE, too_large},
};

/// Size of the cache that all repositories of a backend share, in bytes.
const CACHE_SIZE: u64 = 64 * 1024 * 1024;

/// Objects by id. The id is a hash of the content, so no entry ever becomes outdated.
pub(super) type ObjectCache = sync::Cache<ObjectId, Object, ObjectWeight>;

pub(super) fn object_cache() -> ObjectCache {
    sync::Cache::with_weighter(16_384, CACHE_SIZE, ObjectWeight)
}

/// Weighs an object by its approximate size in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct ObjectWeight;

impl Weighter<ObjectId, Object> for ObjectWeight {
    fn weight(&self, _id: &ObjectId, object: &Object) -> u64 {
        let own = match object {
            Object::Commit { .. } => 0,
            Object::Tree(entries) => entries.iter().map(|entry| entry.name.len().saturating_add(64)).sum(),
            Object::Blob(bytes) => bytes.len(),
        };
        u64::try_from(own).unwrap_or(u64::MAX).saturating_add(64)
    }
}

#[derive(Debug, Clone)]
pub(super) enum Object {
    Commit {
        tree: ObjectId,
    },
    /// Entries sorted by the bytes of their names.
    Tree(Arc<[Entry]>),
    Blob(Bytes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub kind: EntryKind,
    pub id: ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Folder,
    File,
    Link,
    /// A commit of another repository, whose objects are not here.
    Submodule,
}

/// Reads the objects of one mirror.
#[derive(Debug)]
pub(super) struct Objects {
    folder: PathBuf,
    cache: Arc<ObjectCache>,
    /// Keeps a temporary basedir on disk while a snapshot may still read from it.
    _basedir: Arc<Basedir>,
}

impl Objects {
    pub fn new(folder: PathBuf, cache: Arc<ObjectCache>, basedir: Arc<Basedir>) -> Self {
        Self { folder, cache, _basedir: basedir }
    }

    pub fn root(&self, commit: ObjectId) -> Result<ObjectId, BackendError> {
        match self.get(commit, "a commit")? {
            Object::Commit { tree } => Ok(tree),
            _ => Err(BackendError::Unusable(format!("{commit} is not a commit"))),
        }
    }

    pub fn folder(&self, id: ObjectId) -> Result<Arc<[Entry]>, BackendError> {
        match self.get(id, "a folder")? {
            Object::Tree(entries) => Ok(entries),
            _ => Err(BackendError::Unusable(format!("{id} is not a folder"))),
        }
    }

    /// Returns the content of a file. `path` only appears in errors.
    pub fn blob(&self, id: ObjectId, path: &str) -> Result<Bytes, BackendError> {
        match self.get(id, path)? {
            Object::Blob(bytes) => Ok(bytes),
            _ => Err(BackendError::Unusable(format!("{path} is not a file"))),
        }
    }

    fn get(&self, id: ObjectId, path: &str) -> Result<Object, BackendError> {
        if let Some(object) = self.cache.get(&id) {
            return Ok(object);
        }
        let object = self.load(id, path)?;
        self.cache.insert(id, object.clone());
        Ok(object)
    }

    fn load(&self, id: ObjectId, path: &str) -> Result<Object, BackendError> {
        let unreadable = |reason: String| BackendError::Unusable(format!("{path} ({id}) cannot be read: {reason}"));
        // Opened for each object: it is cheap, and a handle that stays open would not see packs fetched after it.
        let repository = open(&self.folder).map_err(unreadable)?;
        let header = repository.find_header(id).map_err(|error| unreadable(error_chain(&error)))?;
        if header.size() > MAX_FILE_SIZE {
            return Err(too_large(path));
        }
        let mut object = repository.find_object(id).map_err(|error| unreadable(error_chain(&error)))?;
        match object.kind {
            Kind::Blob => Ok(Object::Blob(std::mem::take(&mut object.data).into())),
            Kind::Tree => entries(&object.data).map(|entries| Object::Tree(entries.into())).map_err(unreadable),
            Kind::Commit => {
                let commit = object.try_into_commit().map_err(|error| unreadable(error_chain(&error)))?;
                let tree = commit.tree_id().map_err(|error| unreadable(error_chain(&error)))?.detach();
                Ok(Object::Commit { tree })
            }
            Kind::Tag => Err(unreadable("it is a tag".to_owned())),
        }
    }
}

fn entries(data: &[u8]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for entry in gix::objs::TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1) {
        let entry = entry.map_err(|error| error_chain(&error))?;
        let kind = match entry.mode.kind() {
            gix::objs::tree::EntryKind::Tree => EntryKind::Folder,
            gix::objs::tree::EntryKind::Blob | gix::objs::tree::EntryKind::BlobExecutable => EntryKind::File,
            gix::objs::tree::EntryKind::Link => EntryKind::Link,
            gix::objs::tree::EntryKind::Commit => EntryKind::Submodule,
        };
        entries.push(Entry { name: entry.filename.to_vec(), kind, id: entry.oid.to_owned() });
    }
    // Git sorts folders as if a slash followed their names, and the search for an entry needs plain order.
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}
