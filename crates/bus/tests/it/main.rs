//! The guarantees of the bus: no committed event is lost, a duplicate has no effect, a poison message does not block its
//! queue, and an unavailable engine is waited for. The tests in `contract.rs` run on every transport.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod consuming;
mod contract;
mod counting;
mod dead_letters;
mod holding;
mod inbox;
mod jobs;
mod loans;
mod local_queues;
mod outbox;
mod rabbit;

use bench::{Bench, Tables};

/// Runs each contract test on the local transport and, if tests run on engines, on RabbitMQ.
macro_rules! on_each_transport {
    ($($module:ident::$name:ident),* $(,)?) => {
        mod on_local {
            $(#[tokio::test]
            async fn $name() {
                crate::Bench::local().await.run(crate::$module::$name).await;
            })*
        }
        mod on_rabbit {
            $(#[tokio::test]
            async fn $name() {
                if crate::rabbit::is_there() {
                    crate::Bench::rabbit().await.run(crate::$module::$name).await;
                }
            })*
        }
    };
}
use on_each_transport;
