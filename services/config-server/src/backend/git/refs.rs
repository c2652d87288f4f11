//! Branches and tags as they are at one time, and which commit a label means.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use gix::{ObjectId, Repository};

use super::{super::BackendError, why};

/// Where a repository has its branches, and where a copy has those of the repository it copies.
pub(super) const BRANCHES: &str = "refs/heads/";
pub(super) const COPIED_BRANCHES: &str = "refs/remotes/origin/";
pub(super) const TAGS: &str = "refs/tags/";

/// Shorter abbreviations of commit ids are none.
const SHORTEST_ID: usize = 4;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs {
    branches: BTreeMap<String, ObjectId>,
    tags: BTreeMap<String, ObjectId>,
}

impl Refs {
    /// All branches, whose full names begin with `branches`, and all tags.
    pub fn read(repository: &Repository, branches: &str) -> Result<Self, String> {
        let platform = repository.references().map_err(|error| why(&error))?;
        let mut refs = Self::default();
        for reference in platform.all().map_err(|error| why(&error))? {
            // One that is broken is not there; the others are.
            let Ok(mut reference) = reference else { continue };
            let Ok(name) = std::str::from_utf8(reference.name().as_bstr()).map(str::to_owned) else { continue };
            let (among, short) = if let Some(branch) = name.strip_prefix(branches) {
                (&mut refs.branches, branch)
            } else if let Some(tag) = name.strip_prefix(TAGS) {
                (&mut refs.tags, tag)
            } else {
                continue;
            };
            if let Ok(id) = reference.follow_to_object() {
                among.insert(short.to_owned(), id.detach());
            }
        }
        Ok(refs)
    }

    pub fn is_empty(&self) -> bool {
        self.branches.is_empty() && self.tags.is_empty()
    }

    /// Those whose full names in a copy are kept.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.branches.retain(|name, _| keep(&format!("{COPIED_BRANCHES}{name}")));
        self.tags.retain(|name, _| keep(&format!("{TAGS}{name}")));
    }

    /// The file `packed-refs` of a copy.
    pub fn packed(&self) -> String {
        let mut text = "# pack-refs with: sorted \n".to_owned();
        for (prefix, refs) in [(COPIED_BRANCHES, &self.branches), (TAGS, &self.tags)] {
            for (name, id) in refs {
                let _ = writeln!(text, "{id} {prefix}{name}");
            }
        }
        text
    }

    /// The commit that `label` means: a branch before a tag before a commit's id, which may be abbreviated.
    ///
    /// Errors: nothing is called so, or several commits are.
    pub fn commit(&self, repository: &Repository, label: &str) -> Result<ObjectId, BackendError> {
        let unknown = || BackendError::UnknownLabel(label.to_owned());
        if !is_plain(label) {
            return Err(unknown());
        }
        if let Some(id) = self.branches.get(label).or_else(|| self.tags.get(label)) {
            return peeled(repository, *id).ok_or_else(|| {
                BackendError::Unusable(format!("{label:?} is at {id}, which is no commit or cannot be read"))
            });
        }
        by_id(repository, label).ok_or_else(unknown)
    }
}

/// Whether `label` may be a name at all, rather than something that Git would work out.
fn is_plain(label: &str) -> bool {
    let meant = |letter: char| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter);
    !(label.is_empty()
        || label.len() > 255
        || label.starts_with(['-', '/'])
        || label.ends_with(['/', '.'])
        || label.contains("..")
        || label.contains("//")
        || label.contains("@{")
        || label.contains(meant))
}

fn peeled(repository: &Repository, id: ObjectId) -> Option<ObjectId> {
    Some(repository.find_object(id).ok()?.peel_to_kind(gix::objs::Kind::Commit).ok()?.id)
}

/// The one commit whose id begins with `text`.
fn by_id(repository: &Repository, text: &str) -> Option<ObjectId> {
    if text.len() < SHORTEST_ID || !text.bytes().all(|letter| letter.is_ascii_hexdigit()) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    if let Ok(id) = ObjectId::from_hex(text.as_bytes()) {
        return peeled(repository, id);
    }
    let prefix = gix::hash::Prefix::from_hex(&text).ok()?;
    let mut candidates = HashSet::new();
    repository.objects.lookup_prefix(prefix, Some(&mut candidates)).ok()?;
    let is_commit = |id: &ObjectId| repository.find_header(*id).is_ok_and(|header| header.kind().is_commit());
    let mut commits = candidates.into_iter().filter(is_commit);
    let first = commits.next()?;
    commits.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_not_names_are_refused_before_git_sees_them() {
        for evil in
            ["", "a..b", "main~1", "main^", "main:x", "@{-1}", "main@{1}", "-x", "/x", "x/", "a//b", "a b", "x\n", "x*"]
        {
            assert!(!is_plain(evil), "{evil:?}");
        }
        for good in ["main", "feature/x", "v1.0.0", "a@b", "ä"] {
            assert!(is_plain(good), "{good:?}");
        }
    }
}
