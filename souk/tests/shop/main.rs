//! Whole-shop tests: they start the real binary and buy through the gateway over HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, reason = "tests")]

mod auditing;
mod crash;
mod hot_product;
mod operating;
mod process;
mod purchase;
mod readme;
mod shopper;
mod time_to_live;

pub use process::Shop;
pub use shopper::Shopper;
