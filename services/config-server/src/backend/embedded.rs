//! Files compiled into the binary.

use async_trait::async_trait;
use bytes::Bytes;

use super::{error::BackendError, interface::Backend, query::Query, snapshot::Snapshot};

/// A folder compiled into the binary. It has no labels: the files are the same for every label.
#[derive(Debug, Clone)]
pub struct EmbeddedBackend {
    snapshot: Snapshot,
    name: String,
}

impl EmbeddedBackend {
    /// Returns a backend of `files`, whose property sources are named `{name}/{path}`.
    pub fn new<P: Into<String>, B: Into<Bytes>>(name: &str, files: impl IntoIterator<Item = (P, B)>) -> Self {
        Self { snapshot: Snapshot::in_memory(name, files), name: name.to_owned() }
    }
}

#[async_trait]
impl Backend for EmbeddedBackend {
    async fn snapshot(&self, _query: &Query<'_>) -> Result<Snapshot, BackendError> {
        Ok(self.snapshot.clone())
    }

    fn uris(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        Ok(())
    }
}
