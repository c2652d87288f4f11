//! Tells the other servers what clients did here.
//!
//! Each peer has a queue and a sender of its own, so one that is away holds up nobody. What a peer did not get in
//! time is dropped: the next heartbeat shows it that something is missing, and it is told all of that instance.

pub mod batch;
mod peer;
mod queue;
mod sender;
mod sync;
mod task;

use std::sync::{Arc, atomic::Ordering};

use souk_kit::{StartError, config::ConfigError};

pub use peer::Peer;
pub use sender::run as send;
pub use sync::run as sync;
pub use task::{Action, Task};

use crate::{DiscoveryConfig, overview::PeerLine};

/// The other servers.
#[derive(Debug, Clone)]
pub struct Replicas(Arc<Vec<Arc<Peer>>>);

impl Replicas {
    /// Those of the configuration, this server left out. Errors: what is no base URL.
    pub fn new(config: &DiscoveryConfig) -> Result<Self, StartError> {
        let (mut peers, mut mistakes) = (Vec::new(), Vec::new());
        for (number, url) in config.peers.iter().enumerate() {
            match Peer::new(url) {
                Ok(peer) if peer.is_at(&config.hostname) => {}
                Ok(peer) => peers.push(Arc::new(peer)),
                Err(error) => mistakes.push(format!("discovery.peers[{number}]: {error}")),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes).into());
        }
        if is_lost(config, peers.len()) {
            tracing::warn!(
                hostname = config.hostname,
                "discovery.hostname names none of discovery.peers: if this server is one of them, it will tell itself \
                 everything; set it to the host, or host:port, by which they name this server"
            );
        }
        Ok(Self(Arc::new(peers)))
    }

    /// Lets every peer be told `task`. Never waits.
    pub fn tell(&self, task: &Task) {
        for peer in self.0.iter() {
            peer.tell(task.clone());
        }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Peer>> {
        self.0.iter()
    }

    /// For the status page.
    #[must_use]
    pub fn lines(&self) -> Vec<PeerLine> {
        self.0
            .iter()
            .map(|peer| PeerLine {
                url: peer.name().to_owned(),
                is_reachable: peer.was_asked.load(Ordering::Relaxed).then(|| peer.answers.load(Ordering::Relaxed)),
                queued: peer.queue.len(),
            })
            .collect()
    }
}

/// Whether a server that is to find itself among several finds itself nowhere: `others` are left of them.
fn is_lost(config: &DiscoveryConfig, others: usize) -> bool {
    others > 1 && others == config.peers.len()
}

#[cfg(test)]
mod tests {
    use souk_values::Secret;

    use super::*;

    #[test]
    fn a_server_that_is_none_of_several_is_noticed() {
        souk_kit::install_crypto();
        let lost = |hostname: &str, peers: &[&str]| {
            let peers = peers.iter().map(|peer| Secret::new((*peer).to_owned())).collect();
            let config = DiscoveryConfig { hostname: hostname.to_owned(), peers, ..DiscoveryConfig::default() };
            is_lost(&config, Replicas::new(&config).unwrap().iter().count())
        };
        let both = ["http://one:1/eureka", "http://two:1/eureka"];
        assert!(lost("", &both) && lost("three", &both));
        assert!(!lost("one", &both) && !lost("", &both[..1]) && !lost("", &[]));
    }
}
