//! For tests only: services on real stores with a clock that can be shifted, tokens for any user, fake peers, and waiting
//! for eventual results without fixed sleeps.

#![warn(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "tests fail by panicking"
)]

pub mod engine;

mod any_text;
mod broker;
mod captured_log;
mod document;
mod http;
mod proxy;
mod redis_server;
mod statements;
mod topology;
mod world;

pub use any_text::withstands_any_text;
pub use broker::Broker;
pub use captured_log::CapturedLog;
pub use document::{assert_public_routes, every_field_is_described, holds_against_snapshot};
pub use engine::{needs_engines, on_engines};
pub use http::{Client, TestResponse};
pub use proxy::Proxy;
pub use redis_server::RedisServer;
pub use statements::statements_seen;
pub use topology::{TestTopology, register_topology, remove_topology};
pub use world::{Started, World};

use std::{future::Future, time::Duration};

/// Polls `condition` every 10 ms until it returns true, for at most 20 s.
///
/// # Panics
/// When it does not return true in time, with `description`.
pub async fn eventually<F: Future<Output = bool>>(description: &str, mut condition: impl FnMut() -> F) {
    for _ in 0..2_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not true within 20 s: {description}");
}
