//! Reads a file below a folder, and never one that is elsewhere.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::{BackendError, File, LARGEST_FILE};

/// Where the symbolic links of a folder may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Anywhere within the folder.
    Within,
    /// Anywhere: whoever can make one could as well change the files.
    Anywhere,
}

/// The file at `path`, which has been checked, below `root`, which is canonical.
pub(super) fn read(root: &Path, path: &str, links: Links) -> Result<Option<File>, BackendError> {
    let Some(found) = followed(root, Path::new(path), links)? else { return Ok(None) };
    let unreadable = |error: &io::Error| BackendError::Unusable(format!("{} cannot be read: {error}", found.display()));
    let about = match fs::metadata(&found) {
        Ok(about) if about.is_file() => about,
        // Not a folder, and not a pipe either, which would have us wait.
        Ok(_) => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut bytes = Vec::new();
    let opened = match fs::File::open(&found) {
        Err(error) if is_absence(&error) => return Ok(None),
        other => other.map_err(|error| unreadable(&error))?,
    };
    opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_FILE {
        return Err(too_large(path));
    }
    Ok(Some(File { bytes: bytes.into(), modified: about.modified().ok().map(DateTime::<Utc>::from) }))
}

/// What `path` is below `root`, links followed; `None` when there is nothing. Errors: it is outside of `root`.
pub(super) fn within(root: &Path, path: &Path) -> Result<Option<PathBuf>, BackendError> {
    followed(root, path, Links::Within)
}

/// The same, with links that lead where `links` says.
pub(super) fn followed(root: &Path, path: &Path, links: Links) -> Result<Option<PathBuf>, BackendError> {
    match fs::canonicalize(root.join(path)) {
        Ok(found) if links == Links::Anywhere || found.starts_with(root) => Ok(Some(found)),
        Ok(_) => Err(BackendError::Refused(format!("{} leads out of its location", path.display()))),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(BackendError::Refused(format!("{} cannot be followed: {error}", path.display()))),
    }
}

pub(super) fn too_large(path: &str) -> BackendError {
    BackendError::Refused(format!("{path} is larger than {} MiB", LARGEST_FILE / 1024 / 1024))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}
