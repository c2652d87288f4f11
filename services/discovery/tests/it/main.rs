//! The discovery service over real HTTP, alone and with peers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod document;
mod eviction;
mod guarding;
mod load;
mod operations;
mod protection;
mod reading;
mod replication;
mod rig;
