//! For tests only: a world in which one service or several run on real stores, a clock that can be
//! turned, tokens of anybody, fake peers, and waiting for what is eventual without sleeping on luck.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "tests fail by panicking"
)]

pub mod engine;

mod broker;
mod document;
mod http;
mod proxy;
mod statements;
mod topology;
mod world;

pub use broker::Broker;

pub use document::{holds_against_snapshot, only_public};
pub use engine::{needs_engines, on_engines};
pub use http::{Answer, Client};
pub use proxy::Proxy;
pub use statements::statements_seen;
pub use topology::{OwnTopology, note_topology, remove_topology};
pub use world::{Started, World};

use std::{future::Future, time::Duration};

/// Waits until `is_so` answers true, looking every 10 ms for at most 20 s.
///
/// # Panics
/// When it does not come to be.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..2_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be: {what}");
}
