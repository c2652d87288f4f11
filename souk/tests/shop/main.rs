//! Whole-shop tests: they start the real binary and buy through the gateway over HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, reason = "tests")]

mod auditing;
mod backup;
mod config_command;
mod configured;
mod containers;
mod crash;
mod dumps;
mod engine_backup;
mod engines;
mod faults;
mod fleet;
mod guarding;
mod hot_product;
mod load;
mod operating;
mod process;
mod purchase;
mod readme;
mod replicas;
mod serving;
mod shopper;
mod time_to_live;
mod tracing;
mod up_engines;
mod upgrading;
mod watching;

pub use engines::Engines;
pub use fleet::Fleet;
pub use process::{Shop, souk};
pub use shopper::Shopper;
