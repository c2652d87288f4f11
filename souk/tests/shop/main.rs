//! Whole-shop tests: they start the real binary and buy through the gateway over HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, reason = "tests")]

mod auditing;
mod config_command;
mod configured;
mod crash;
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
mod up_engines;
mod watching;

pub use engines::Engines;
pub use fleet::Fleet;
pub use process::Shop;
pub use shopper::Shopper;
