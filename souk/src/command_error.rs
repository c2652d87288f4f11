//! The outcome of a command that did not succeed.

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command failed. The sentence goes to standard error: what happened, and what to do about it.
    #[error("{0}")]
    Failed(String),
    /// The command ran and found something wrong, which it has printed already.
    #[error("")]
    Finding,
}

impl CommandError {
    pub fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }
}
