//! Commits, folders and files of one copy of a repository, and what of them is kept in memory.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use gix::{ObjectId, objs::Kind};
use quick_cache::{Weighter, sync};

use super::{
    super::{BackendError, LARGEST_FILE, folder::too_large},
    mirror::{Basedir, open},
    why,
};

/// How many bytes all repositories of a backend together keep in memory.
const KEPT: u64 = 64 * 1024 * 1024;

/// What is kept, by its id: an id never means anything else, so nothing is ever out of date.
pub(in super::super) type Kept = sync::Cache<ObjectId, Object, Weight>;

pub(super) fn kept() -> Kept {
    sync::Cache::with_weighter(16_384, KEPT, Weight)
}

#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Weight;

impl Weighter<ObjectId, Object> for Weight {
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
pub(in super::super) enum Object {
    Commit {
        tree: ObjectId,
    },
    /// By name, bytewise.
    Tree(Arc<[Entry]>),
    Blob(Bytes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Entry {
    pub name: Vec<u8>,
    pub kind: EntryKind,
    pub id: ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum EntryKind {
    Folder,
    File,
    Link,
    /// Another repository's commit; there is nothing of it here.
    Submodule,
}

/// Reads the objects of one copy.
#[derive(Debug)]
pub(super) struct Objects {
    folder: PathBuf,
    kept: Arc<Kept>,
    /// So that it is there as long as somebody reads.
    _basedir: Arc<Basedir>,
}

impl Objects {
    pub fn new(folder: PathBuf, kept: Arc<Kept>, basedir: Arc<Basedir>) -> Self {
        Self { folder, kept, _basedir: basedir }
    }

    /// The root folder of a commit.
    pub fn root(&self, commit: ObjectId) -> Result<ObjectId, BackendError> {
        match self.get(commit, "a commit")? {
            Object::Commit { tree } => Ok(tree),
            _ => Err(BackendError::Unusable(format!("{commit} is no commit"))),
        }
    }

    pub fn folder(&self, id: ObjectId) -> Result<Arc<[Entry]>, BackendError> {
        match self.get(id, "a folder")? {
            Object::Tree(entries) => Ok(entries),
            _ => Err(BackendError::Unusable(format!("{id} is no folder"))),
        }
    }

    /// `path` is for the message.
    pub fn blob(&self, id: ObjectId, path: &str) -> Result<Bytes, BackendError> {
        match self.get(id, path)? {
            Object::Blob(bytes) => Ok(bytes),
            _ => Err(BackendError::Unusable(format!("{path} is no file"))),
        }
    }

    fn get(&self, id: ObjectId, path: &str) -> Result<Object, BackendError> {
        if let Some(object) = self.kept.get(&id) {
            return Ok(object);
        }
        let object = self.load(id, path)?;
        self.kept.insert(id, object.clone());
        Ok(object)
    }

    /// The repository is opened anew each time: it is cheap, and what is open never lags behind what was fetched.
    fn load(&self, id: ObjectId, path: &str) -> Result<Object, BackendError> {
        let unreadable = |reason: String| BackendError::Unusable(format!("{path} ({id}) cannot be read: {reason}"));
        let repository = open(&self.folder).map_err(unreadable)?;
        let header = repository.find_header(id).map_err(|error| unreadable(why(&error)))?;
        if header.size() > LARGEST_FILE {
            return Err(too_large(path));
        }
        let mut object = repository.find_object(id).map_err(|error| unreadable(why(&error)))?;
        match object.kind {
            Kind::Blob => Ok(Object::Blob(std::mem::take(&mut object.data).into())),
            Kind::Tree => entries(&object.data).map(|entries| Object::Tree(entries.into())).map_err(unreadable),
            Kind::Commit => {
                let commit = object.try_into_commit().map_err(|error| unreadable(why(&error)))?;
                let tree = commit.tree_id().map_err(|error| unreadable(why(&error)))?.detach();
                Ok(Object::Commit { tree })
            }
            Kind::Tag => Err(unreadable("it is a tag".to_owned())),
        }
    }
}

fn entries(data: &[u8]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for entry in gix::objs::TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1) {
        let entry = entry.map_err(|error| why(&error))?;
        let kind = match entry.mode.kind() {
            gix::objs::tree::EntryKind::Tree => EntryKind::Folder,
            gix::objs::tree::EntryKind::Blob | gix::objs::tree::EntryKind::BlobExecutable => EntryKind::File,
            gix::objs::tree::EntryKind::Link => EntryKind::Link,
            gix::objs::tree::EntryKind::Commit => EntryKind::Submodule,
        };
        entries.push(Entry { name: entry.filename.to_vec(), kind, id: entry.oid.to_owned() });
    }
    // Git sorts folders as if a slash followed their names.
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}
