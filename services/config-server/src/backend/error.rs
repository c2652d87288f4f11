//! The failures that every backend can report.

/// A reason why a backend has no files for a request. No text contains a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The repository has no branch, tag or commit of this name.
    #[error("there is no branch, tag or commit {0:?}")]
    UnknownLabel(String),
    /// A path that leaves its location, a file that is too large, or a configuration that makes no sense.
    #[error("refused: {0}")]
    Refused(String),
    /// The repository cannot be read, and no earlier state of it is known. A retry may succeed.
    #[error("{0}")]
    Unusable(String),
}
