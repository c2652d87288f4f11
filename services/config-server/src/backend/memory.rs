//! Files in memory: those that are inside the binary, and those of tests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Backend, BackendError, File, Query, Snapshot};

/// By path.
pub(super) type Files = BTreeMap<String, Bytes>;

pub(super) fn read(files: &Files, folder: &str, path: &str) -> Option<File> {
    let found = if folder.is_empty() { files.get(path) } else { files.get(&format!("{folder}/{path}")) };
    found.map(|bytes| File { bytes: bytes.clone(), modified: None })
}

/// A folder that was compiled into the binary. It has no labels: whatever label is asked for, the files are the same.
#[derive(Debug, Clone)]
pub struct EmbeddedBackend {
    snapshot: Snapshot,
    name: String,
}

impl EmbeddedBackend {
    /// A backend of `files`, whose property sources are named `{name}/{path}`.
    pub fn new<P: Into<String>, B: Into<Bytes>>(name: &str, files: impl IntoIterator<Item = (P, B)>) -> Self {
        Self { snapshot: Snapshot::in_memory(name, files), name: name.to_owned() }
    }
}

#[async_trait]
impl Backend for EmbeddedBackend {
    async fn snapshot(&self, _query: &Query<'_>) -> Result<Snapshot, BackendError> {
        Ok(self.snapshot.clone())
    }

    fn describe(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        Ok(())
    }
}
