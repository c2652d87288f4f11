//! Peer replication: each change that a client makes at this server is sent to all others.
//!
//! Each peer has its own queue and sender, so that one that is down delays no other. Tasks that a peer could not take
//! in time are dropped: the next heartbeat reveals that it lacks the instance, which is then sent as a whole.

pub(crate) mod batch;
mod peer;
mod peer_nodes;
mod queue;
mod replicated_registry;
mod sender;
mod sync;
mod task;

pub(crate) use peer::PeerSummary;
pub(crate) use peer_nodes::PeerNodes;
pub(crate) use replicated_registry::ReplicatedRegistry;
pub(crate) use sender::run as send;
pub(crate) use sync::run as sync;
pub(crate) use task::Action;
