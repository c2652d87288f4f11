//! What the status page shows.

use souk_eureka::InstanceStatus;
use souk_values::Timestamp;

/// The registry at one instant, for people.
#[derive(Debug, Clone)]
pub struct Overview {
    /// That instant.
    pub now: Timestamp,
    /// When this server started.
    pub started_at: Timestamp,
    /// By application, then id.
    pub instances: Vec<InstanceLine>,
    /// Heartbeats counted in the last complete minute.
    pub renews_last_minute: u64,
    /// Fewer in a minute, and nobody is evicted.
    pub renews_threshold: u64,
    /// Whether somebody can be evicted.
    pub self_preservation: SelfPreservation,
    /// In the order they are configured, this server left out.
    pub peers: Vec<PeerLine>,
    /// Newest first, at most 1000.
    pub last_registered: Vec<Passage>,
    /// Newest first, at most 1000; the evicted too.
    pub last_cancelled: Vec<Passage>,
}

/// Whether missing heartbeats are taken for a fault of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfPreservation {
    /// It is switched off.
    Off,
    /// It is on, and enough heartbeats arrive.
    Watching,
    /// Too few heartbeats arrive: nobody is evicted.
    Active,
}

/// One instance.
#[derive(Debug, Clone)]
pub struct InstanceLine {
    /// In capitals.
    pub app: String,
    /// As it registered.
    pub instance_id: String,
    /// As it registered.
    pub host_name: String,
    /// What holds now.
    pub status: InstanceStatus,
    /// What a person set.
    pub overridden_status: InstanceStatus,
    /// For a link: its own words, so check it before it becomes one.
    pub status_page_url: Option<String>,
    /// When it registered.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub renewed_at: Timestamp,
    /// When it may be evicted, unless it is heard of.
    pub expires_at: Timestamp,
}

/// One other server.
#[derive(Debug, Clone)]
pub struct PeerLine {
    /// Its base URL, without a password.
    pub url: String,
    /// Whether the last call reached it; `None`: none was made yet.
    pub is_reachable: Option<bool>,
    /// What waits to be sent to it.
    pub queued: usize,
}

/// An instance that came or went.
#[derive(Debug, Clone)]
pub struct Passage {
    /// When.
    pub at: Timestamp,
    /// In capitals.
    pub app: String,
    /// Which one.
    pub instance_id: String,
}
