//! The parts of a config server that come from its process instead of the configuration.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;

use crate::{backend::Backend, monitor::RefreshEvent};

/// Publishes a refresh event on the bus. The error is a sentence.
pub type RefreshPublisher = Arc<dyn Fn(RefreshEvent) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Parts of a config server that come from its process.
#[derive(Clone, Default)]
pub struct ConfigServerExtras {
    /// True when the process listens on a loopback address only.
    pub is_loopback: bool,
    /// Backend for a configuration with neither a Git repository nor folders.
    pub default_backend: Option<Arc<dyn Backend>>,
    /// Publisher of refresh events; `None` in a process without a bus.
    pub refresh: Option<RefreshPublisher>,
}

impl fmt::Debug for ConfigServerExtras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigServerExtras").field("is_loopback", &self.is_loopback).finish_non_exhaustive()
    }
}
