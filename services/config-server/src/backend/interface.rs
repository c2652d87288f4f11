//! The interface of a backend.

use async_trait::async_trait;

use super::{error::BackendError, query::Query, snapshot::Snapshot};

/// A source of configuration files.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Returns the files that answer `query`. A snapshot is cheap to hold. The call may be dropped at any time:
    /// whatever it started is completed in the background.
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError>;

    /// Returns the URIs of the repositories or folders, without credentials.
    fn uris(&self) -> Vec<String>;

    /// Checks that requests can be answered now, from the last known state if need be.
    ///
    /// Errors: a sentence for each part that cannot be used.
    async fn probe(&self) -> Result<(), Vec<String>>;

    /// Returns a sentence for each part that fails although requests are still answered from its last known state.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Does the work that is due before the first request, such as `clone-on-start`.
    async fn prepare(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Records that the remote has changed: the next request reads it again, regardless of `refresh-rate`.
    fn expire(&self) {}
}
