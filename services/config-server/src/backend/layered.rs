//! Several backends on top of one another.

use std::sync::Arc;

use async_trait::async_trait;

use super::{error::BackendError, interface::Backend, query::Query, snapshot::Snapshot};

/// A backend with the locations of all its layers, those of the last layer the strongest. It has no version of its own,
/// because its files may change with each of the layers.
#[derive(Clone)]
pub struct LayeredBackend(Vec<Arc<dyn Backend>>);

impl LayeredBackend {
    /// Returns a backend of `layers`, weakest first.
    pub fn new(layers: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        Self(layers.into_iter().collect())
    }
}

#[async_trait]
impl Backend for LayeredBackend {
    async fn snapshot(&self, query: &Query<'_>) -> Result<Snapshot, BackendError> {
        let mut whole = Snapshot { version: None, label: None, locations: Vec::new() };
        for layer in &self.0 {
            let snapshot = layer.snapshot(query).await?;
            whole.label = snapshot.label.or(whole.label);
            whole.locations.extend(snapshot.locations);
        }
        Ok(whole)
    }

    fn uris(&self) -> Vec<String> {
        self.0.iter().flat_map(|layer| layer.uris()).collect()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let mut failures = Vec::new();
        for layer in &self.0 {
            failures.extend(layer.probe().await.err().into_iter().flatten());
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn warnings(&self) -> Vec<String> {
        self.0.iter().flat_map(|layer| layer.warnings()).collect()
    }

    async fn prepare(&self) -> Result<(), BackendError> {
        for layer in &self.0 {
            layer.prepare().await?;
        }
        Ok(())
    }

    fn expire(&self) {
        self.0.iter().for_each(|layer| layer.expire());
    }
}
