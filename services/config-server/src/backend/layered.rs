//! Several backends over one another: each adds stronger locations to those before it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Backend, BackendError, Query, Snapshot};

/// The locations of all of its backends, the last backend's the strongest. It has no version of its own: what it
/// shows may change with each of them.
#[derive(Clone)]
pub struct LayeredBackend(Vec<Arc<dyn Backend>>);

impl LayeredBackend {
    /// A backend of `layers`, weakest first.
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

    fn describe(&self) -> Vec<String> {
        self.0.iter().flat_map(|layer| layer.describe()).collect()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        for layer in &self.0 {
            wrong.extend(layer.probe().await.err().into_iter().flatten());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn warnings(&self) -> Vec<String> {
        self.0.iter().flat_map(|layer| layer.warnings()).collect()
    }

    fn expire(&self) {
        self.0.iter().for_each(|layer| layer.expire());
    }

    async fn begin(&self) -> Result<(), BackendError> {
        for layer in &self.0 {
            layer.begin().await?;
        }
        Ok(())
    }
}
