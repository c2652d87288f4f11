//! A file as backends return it, and the checks on paths and sizes that hold for all of them.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::error::BackendError;

/// Size limit of a file, in bytes. Configuration is small; a larger file is a mistake that would only cost memory.
pub(super) const MAX_FILE_SIZE: u64 = 16 * 1024 * 1024;

/// A file's content and time of change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub bytes: Bytes,
    /// Time of the last change. In a folder it is the file's own; in Git it is the moment at which this server first
    /// saw the label at this commit, which never decreases, whatever is pushed. `None` when it is not known.
    pub modified: Option<DateTime<Utc>>,
}

/// Refuses a path that could leave its location: `..`, absolute paths, empty parts, and a repository's own files.
pub(crate) fn check_path(path: &str) -> Result<(), BackendError> {
    let refused = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if path.contains(['\\', '\0']) || path.split('/').any(refused) {
        return Err(BackendError::Refused(format!("{path:?} is not a path within a location")));
    }
    Ok(())
}

/// Returns the error for a file above [`MAX_FILE_SIZE`].
pub(super) fn too_large(path: &str) -> BackendError {
    BackendError::Refused(format!("{path} is larger than {} MiB", MAX_FILE_SIZE / 1024 / 1024))
}
