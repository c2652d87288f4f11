//! Tells the other servers what clients did here.
//!
//! Each peer has a queue and a sender of its own, so one that is away holds up nobody. What a peer did not get in
//! time is dropped: the next heartbeat shows it that something is missing, and it is told all of that instance.

mod peer;
mod queue;
mod sender;
mod sync;
mod task;

use std::sync::{Arc, atomic::Ordering};

use souk_kit::{StartError, config::ConfigError};

pub use sender::run as send;
pub use sync::run as sync;
pub use task::{Action, Task};

use peer::Peer;

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
        if mistakes.is_empty() { Ok(Self(Arc::new(peers))) } else { Err(ConfigError(mistakes).into()) }
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
