//! The other servers of the configuration.

use std::sync::Arc;

use souk_kit::{StartError, config::ConfigError};

use super::{
    peer::{PeerNode, PeerSummary},
    task::ReplicationTask,
};
use crate::config::DiscoveryConfig;

/// The other servers, in the order of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct PeerNodes(Arc<Vec<Arc<PeerNode>>>);

impl PeerNodes {
    /// Returns the servers of the configuration except this one.
    ///
    /// Errors: lists the entries that are not base URLs.
    pub fn new(config: &DiscoveryConfig) -> Result<Self, StartError> {
        let mut peers = Vec::new();
        let mut mistakes = Vec::new();
        for (index, url) in config.peers.iter().enumerate() {
            match PeerNode::new(url) {
                Ok(peer) if peer.is_at(&config.hostname) => {}
                Ok(peer) => peers.push(Arc::new(peer)),
                Err(error) => mistakes.push(format!("discovery.peers[{index}]: {error}")),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes).into());
        }
        if lacks_itself(config, peers.len()) {
            tracing::warn!(
                hostname = config.hostname,
                "discovery.hostname matches none of discovery.peers: if this server is one of them, it replicates \
                 everything to itself; set it to the host, or host:port, of this server in that list"
            );
        }
        Ok(Self(Arc::new(peers)))
    }

    /// Queues `task` for every peer, without waiting.
    pub(super) fn queue(&self, task: &ReplicationTask) {
        for peer in self.iter() {
            peer.queue(task.clone());
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<PeerNode>> {
        self.0.iter()
    }

    pub fn summaries(&self) -> Vec<PeerSummary> {
        self.iter().map(|peer| peer.summary()).collect()
    }
}

/// Returns true if several servers are configured and none of them was recognized as this one.
fn lacks_itself(config: &DiscoveryConfig, others: usize) -> bool {
    others > 1 && others == config.peers.len()
}

#[cfg(test)]
mod tests {
    use souk_values::Secret;

    use super::*;

    #[test]
    fn a_server_that_is_not_among_several_peers_is_detected() {
        souk_kit::install_crypto();
        let is_missing = |hostname: &str, peers: &[&str]| {
            let peers = peers.iter().map(|peer| Secret::new((*peer).to_owned())).collect();
            let config = DiscoveryConfig { hostname: hostname.to_owned(), peers, ..DiscoveryConfig::default() };
            lacks_itself(&config, PeerNodes::new(&config).unwrap().iter().count())
        };
        let both = ["http://one:1/eureka", "http://two:1/eureka"];
        assert!(is_missing("", &both) && is_missing("three", &both));
        assert!(!is_missing("one", &both) && !is_missing("", &both[..1]) && !is_missing("", &[]));
    }
}
