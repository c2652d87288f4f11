//! The state that handlers and tasks share.

use std::{sync::Arc, time::Duration};

use souk_kit::{Deps, StartError};
use souk_values::{Clock, IdGen, Timestamp};
use tokio::sync::Semaphore;

use crate::{
    config::DiscoveryConfig,
    registry::{Registry, SharedRegistry},
    replication::{PeerNodes, ReplicatedRegistry},
    response_cache::ResponseCache,
};

/// Number of replication batches that are decoded at the same time.
const CONCURRENT_BATCHES: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub registry: ReplicatedRegistry,
    pub response_cache: Arc<ResponseCache>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdGen,
    pub config: Arc<DiscoveryConfig>,
    pub started_at: Timestamp,
    /// Limits the memory of decoded batches; a permit is held while one is decoded and applied.
    pub batch_permits: Arc<Semaphore>,
}

impl App {
    pub fn new(config: DiscoveryConfig, deps: &Deps) -> Result<Self, StartError> {
        let rules = config.rules()?;
        let clock = Arc::clone(&deps.clock);
        let now = clock.now();
        let registry = Arc::new(SharedRegistry::new(Registry::new(rules, now)));
        let interval = Duration::from_millis(config.response_cache_update_interval_ms);
        Ok(Self {
            response_cache: Arc::new(ResponseCache::new(Arc::clone(&registry), Arc::clone(&clock), interval)),
            registry: ReplicatedRegistry::new(registry, PeerNodes::new(&config)?, Arc::clone(&clock)),
            clock,
            ids: deps.ids.clone(),
            config: Arc::new(config),
            started_at: now,
            batch_permits: Arc::new(Semaphore::new(CONCURRENT_BATCHES)),
        })
    }
}
