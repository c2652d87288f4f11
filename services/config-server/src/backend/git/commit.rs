//! One commit's files. What it answers never changes, whatever is fetched meanwhile.

use std::{collections::VecDeque, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use gix::ObjectId;

use super::{
    super::{BackendError, File, pattern::Folder},
    objects::{Entry, EntryKind, Objects},
};

/// A path that follows more symbolic links than this goes round in circles.
const MOST_LINKS: usize = 40;
/// Linux takes no longer paths; a longer link leads nowhere.
const LONGEST_LINK: usize = 4_096;

#[derive(Clone)]
pub(in super::super) struct Commit {
    objects: Arc<Objects>,
    root: ObjectId,
    seen: Option<DateTime<Utc>>,
}

/// What a path leads to.
enum Found {
    File(ObjectId),
    /// The folders from the root to it, the root itself first.
    Folder(Vec<ObjectId>),
}

impl Commit {
    /// `seen`: when its label came to be at this commit.
    pub(super) fn new(objects: Arc<Objects>, root: ObjectId, seen: Option<DateTime<Utc>>) -> Self {
        Self { objects, root, seen }
    }

    /// The file at `path` in `folder`. Symbolic links may lead anywhere within `folder`.
    pub fn read(&self, folder: &str, path: &str) -> Result<Option<File>, BackendError> {
        let Some(Found::Folder(base)) = self.find(vec![self.root], folder)? else { return Ok(None) };
        match self.find(base, path)? {
            Some(Found::File(id)) => Ok(Some(File { bytes: self.objects.blob(id, path)?, modified: self.seen })),
            Some(Found::Folder(_)) | None => Ok(None),
        }
    }

    /// The folders that `parts` names, by their paths, sorted. One that a symbolic link leads to counts.
    pub fn folders(&self, parts: &[Folder]) -> Result<Vec<String>, BackendError> {
        let mut found = vec![String::new()];
        for part in parts {
            let mut next = Vec::new();
            for parent in &found {
                for name in self.matching(parent, part)? {
                    next.push(if parent.is_empty() { name } else { format!("{parent}/{name}") });
                }
            }
            found = next;
        }
        Ok(found)
    }

    fn matching(&self, parent: &str, part: &Folder) -> Result<Vec<String>, BackendError> {
        let names = match part.text() {
            Some(name) => vec![name],
            None => self.names(parent)?.into_iter().filter(|name| part.matches(name)).collect(),
        };
        let mut folders = Vec::new();
        for name in names {
            let path = if parent.is_empty() { name.clone() } else { format!("{parent}/{name}") };
            match self.find(vec![self.root], &path) {
                Ok(Some(Found::Folder(_))) => folders.push(name),
                Ok(_) => {}
                // A stray link beside the folders that a wildcard means is not a reason to answer nothing.
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

    /// Walks `path` from the last of `base`, and never above it.
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
                    if links > MOST_LINKS {
                        return Err(BackendError::Refused(format!("{path} goes round in circles")));
                    }
                    let target = self.objects.blob(entry.id, path)?;
                    let target = std::str::from_utf8(&target).ok().filter(|target| target.len() <= LONGEST_LINK);
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
