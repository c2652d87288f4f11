//! The files of one commit, which never change, whatever is fetched in the meantime.

use std::{collections::VecDeque, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use gix::ObjectId;

use super::objects::{Entry, EntryKind, Objects};
use crate::backend::{error::BackendError, file::File, pattern::FolderPattern};

/// Limit on the symbolic links that a path follows; beyond it, the links form a circle.
const MAX_LINKS: usize = 40;
/// Length of the longest path that Linux accepts, in bytes; a longer link leads nowhere.
const MAX_LINK_LENGTH: usize = 4_096;

#[derive(Clone)]
pub(crate) struct Commit {
    objects: Arc<Objects>,
    root: ObjectId,
    first_seen: Option<DateTime<Utc>>,
}

/// The target of a path.
enum Found {
    File(ObjectId),
    /// The folders from the root to the target, both included.
    Folder(Vec<ObjectId>),
}

impl Commit {
    /// `first_seen` is the time at which the label was first seen at this commit.
    pub(super) fn new(objects: Arc<Objects>, root: ObjectId, first_seen: Option<DateTime<Utc>>) -> Self {
        Self { objects, root, first_seen }
    }

    /// Reads the file at `path` in `folder`. Symbolic links may lead anywhere within `folder`.
    pub fn read(&self, folder: &str, path: &str) -> Result<Option<File>, BackendError> {
        let Some(Found::Folder(base)) = self.find(vec![self.root], folder)? else { return Ok(None) };
        match self.find(base, path)? {
            Some(Found::File(id)) => Ok(Some(File { bytes: self.objects.blob(id, path)?, modified: self.first_seen })),
            Some(Found::Folder(_)) | None => Ok(None),
        }
    }

    /// Returns the paths of the folders that match `parts`, sorted. A symbolic link to a folder counts as one.
    pub fn folders(&self, parts: &[FolderPattern]) -> Result<Vec<String>, BackendError> {
        let mut found = vec![String::new()];
        for part in parts {
            let mut next = Vec::new();
            for parent in &found {
                next.extend(self.matching(parent, part)?);
            }
            found = next;
        }
        Ok(found)
    }

    /// Returns the paths of the folders in `parent` that match `part`.
    fn matching(&self, parent: &str, part: &FolderPattern) -> Result<Vec<String>, BackendError> {
        let names = match part.text() {
            Some(name) => vec![name],
            None => self.names(parent)?.into_iter().filter(|name| part.matches(name)).collect(),
        };
        let mut folders = Vec::new();
        for name in names {
            let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
            match self.find(vec![self.root], &path) {
                Ok(Some(Found::Folder(_))) => folders.push(path),
                Ok(_) => {}
                // A stray link beside the folders that a wildcard means must not fail the request.
                Err(BackendError::Refused(_)) if !part.is_plain() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(folders)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, BackendError> {
        let Some(Found::Folder(stack)) = self.find(vec![self.root], folder)? else { return Ok(Vec::new()) };
        let Some(last) = stack.last() else { return Ok(Vec::new()) };
        let entries = self.objects.folder(*last)?;
        Ok(entries.iter().filter_map(|entry| String::from_utf8(entry.name.clone()).ok()).collect())
    }

    /// Walks `path` from the last folder of `base`, and never above it.
    fn find(&self, base: Vec<ObjectId>, path: &str) -> Result<Option<Found>, BackendError> {
        let floor = base.len();
        let mut stack = base;
        let mut links = 0_usize;
        let mut ahead: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let outside = || BackendError::Refused(format!("{path} leads out of its location"));
        while let Some(part) = ahead.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." if stack.len() <= floor => return Err(outside()),
                ".." => {
                    stack.pop();
                    continue;
                }
                _ => {}
            }
            let Some(entry) = self.entry(&stack, &part)? else { return Ok(None) };
            match entry.kind {
                EntryKind::Folder => stack.push(entry.id),
                EntryKind::File if ahead.is_empty() => return Ok(Some(Found::File(entry.id))),
                EntryKind::File | EntryKind::Submodule => return Ok(None),
                EntryKind::Link => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(BackendError::Refused(format!("the symbolic links of {path} form a circle")));
                    }
                    let target = self.objects.blob(entry.id, path)?;
                    let target = std::str::from_utf8(&target).ok().filter(|target| target.len() <= MAX_LINK_LENGTH);
                    let target = target.filter(|target| !target.starts_with('/')).ok_or_else(outside)?;
                    for part in target.split('/').rev() {
                        ahead.push_front(part.to_owned());
                    }
                }
            }
        }
        Ok(Some(Found::Folder(stack)))
    }

    fn entry(&self, stack: &[ObjectId], name: &str) -> Result<Option<Entry>, BackendError> {
        let Some(folder) = stack.last() else { return Ok(None) };
        let entries = self.objects.folder(*folder)?;
        let at = entries.binary_search_by(|entry| entry.name.as_slice().cmp(name.as_bytes()));
        Ok(at.ok().and_then(|at| entries.get(at)).cloned())
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("root", &self.root).finish_non_exhaustive()
    }
}
