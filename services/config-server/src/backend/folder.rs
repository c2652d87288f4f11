//! Reads files below a folder, and refuses those that lead out of it.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::{
    error::BackendError,
    file::{File, MAX_FILE_SIZE, too_large},
};

/// Permitted targets of the symbolic links in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SymlinkPolicy {
    /// Targets within the folder only.
    Within,
    /// Any target: whoever can create a link in this folder can change its files as well.
    Anywhere,
}

/// Reads the file at `path`, which [`super::check_path`] has accepted, below `root`, which is canonical.
pub(super) fn read(root: &Path, path: &str, symlinks: SymlinkPolicy) -> Result<Option<File>, BackendError> {
    let Some(found) = resolve(root, Path::new(path), symlinks)? else { return Ok(None) };
    let unreadable = |error: &io::Error| BackendError::Unusable(format!("{} cannot be read: {error}", found.display()));
    let metadata = match fs::metadata(&found) {
        Ok(metadata) if metadata.is_file() => metadata,
        // Neither a folder nor a named pipe, whose open would block.
        Ok(_) => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut bytes = Vec::new();
    let opened = match fs::File::open(&found) {
        Err(error) if is_absence(&error) => return Ok(None),
        other => other.map_err(|error| unreadable(&error))?,
    };
    // The file may grow after its metadata was read, so the read itself is bounded.
    opened.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_SIZE {
        return Err(too_large(path));
    }
    Ok(Some(File { bytes: bytes.into(), modified: metadata.modified().ok().map(DateTime::<Utc>::from) }))
}

/// Resolves `path` below `root`, following links as `symlinks` has it; `None` when nothing is there.
///
/// Errors: the path leads out of `root`.
pub(super) fn resolve(root: &Path, path: &Path, symlinks: SymlinkPolicy) -> Result<Option<PathBuf>, BackendError> {
    match fs::canonicalize(root.join(path)) {
        Ok(found) if symlinks == SymlinkPolicy::Anywhere || found.starts_with(root) => Ok(Some(found)),
        Ok(_) => Err(BackendError::Refused(format!("{} leads out of its location", path.display()))),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(BackendError::Refused(format!("{} cannot be followed: {error}", path.display()))),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}
