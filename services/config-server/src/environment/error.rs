//! The failures of reading and writing an environment.

use crate::backend::BackendError;

/// A reason why an environment cannot be returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A file exists and cannot be read or parsed.
    #[error("{file}{}: {cause}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Unreadable {
        /// Name of its property source.
        file: String,
        /// Line of the mistake, from 1; `None` when it concerns the whole file.
        line: Option<usize>,
        /// The mistake, without any value of the file.
        cause: String,
    },
    /// A key does not fit into a tree, so that the environment cannot be written as JSON or YAML.
    #[error("the key {0:?} is malformed: write a.b, a[0] or a[0].b with an index that is not too large")]
    MalformedKey(String),
    /// The serializer refuses the environment.
    #[error("the environment cannot be written as YAML: {0}")]
    Unwritable(String),
    /// The applications and profiles of the request give so many file names that reading would take too long.
    #[error("the request needs {candidates} files, more than {limit}: name fewer applications or profiles")]
    TooManyFiles { candidates: usize, limit: usize },
    /// The backend cannot return files.
    #[error(transparent)]
    Backend(#[from] BackendError),
}
