//! Branches and tags at one moment, and the commit that a label names.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use gix::{ObjectId, Repository};
use souk_values::error_chain;

use crate::backend::error::BackendError;

/// Prefix of the branches of a repository.
pub(super) const BRANCHES: &str = "refs/heads/";
/// Prefix, in a mirror, of the branches of the repository that it copies.
pub(super) const MIRRORED_BRANCHES: &str = "refs/remotes/origin/";
/// Prefix of the tags, the same in both.
pub(super) const TAGS: &str = "refs/tags/";

/// Shortest abbreviation of a commit id that counts as one.
const MIN_ID_LENGTH: usize = 4;

/// Branches and tags by their short names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs {
    branches: BTreeMap<String, ObjectId>,
    tags: BTreeMap<String, ObjectId>,
}

impl Refs {
    /// Reads all tags, and all branches whose full names begin with `branches`.
    pub fn read(repository: &Repository, branches: &str) -> Result<Self, String> {
        let platform = repository.references().map_err(|error| error_chain(&error))?;
        let mut refs = Self::default();
        for reference in platform.all().map_err(|error| error_chain(&error))? {
            // A broken reference is skipped: the others can still be served.
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

    /// Keeps the references whose full names in a mirror satisfy `keep`.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.branches.retain(|name, _| keep(&format!("{MIRRORED_BRANCHES}{name}")));
        self.tags.retain(|name, _| keep(&format!("{TAGS}{name}")));
    }

    /// Returns the content of a mirror's file `packed-refs`.
    pub fn packed(&self) -> String {
        let mut text = "# pack-refs with: sorted \n".to_owned();
        for (prefix, refs) in [(MIRRORED_BRANCHES, &self.branches), (TAGS, &self.tags)] {
            for (name, id) in refs {
                let _ = writeln!(text, "{id} {prefix}{name}");
            }
        }
        text
    }

    /// Returns the commit that `label` names: a branch before a tag before a commit id, which may be abbreviated.
    ///
    /// Errors: nothing has this name, or several commits begin with it.
    pub fn commit(&self, repository: &Repository, label: &str) -> Result<ObjectId, BackendError> {
        let unknown = || BackendError::UnknownLabel(label.to_owned());
        if !is_plain(label) {
            return Err(unknown());
        }
        if let Some(id) = self.branches.get(label).or_else(|| self.tags.get(label)) {
            return peel(repository, *id).ok_or_else(|| {
                BackendError::Unusable(format!("{label:?} is at {id}, which is not a commit or cannot be read"))
            });
        }
        find_by_id(repository, label).ok_or_else(unknown)
    }
}

/// Accepts names only, and no revision expression that Git would evaluate.
fn is_plain(label: &str) -> bool {
    let is_special = |letter: char| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter);
    !(label.is_empty()
        || label.len() > 255
        || label.starts_with(['-', '/'])
        || label.ends_with(['/', '.'])
        || label.contains("..")
        || label.contains("//")
        || label.contains("@{")
        || label.contains(is_special))
}

/// Follows annotated tags to the commit.
fn peel(repository: &Repository, id: ObjectId) -> Option<ObjectId> {
    Some(repository.find_object(id).ok()?.peel_to_kind(gix::objs::Kind::Commit).ok()?.id)
}

/// Returns the only commit whose id begins with `text`.
fn find_by_id(repository: &Repository, text: &str) -> Option<ObjectId> {
    if text.len() < MIN_ID_LENGTH || !text.bytes().all(|letter| letter.is_ascii_hexdigit()) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    if let Ok(id) = ObjectId::from_hex(text.as_bytes()) {
        return peel(repository, id);
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
    fn revision_expressions_are_refused_before_git_evaluates_them() {
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
