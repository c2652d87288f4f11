//! The order service over HTTP, on a real store, with fake peers and a clock that can be moved.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod any_text;
mod audit;
mod bad_input;
mod cart_lines;
mod deliveries;
mod document;
mod lapsing;
mod lifecycle;
mod listing;
mod place_order;
mod rig;
mod searching;
mod stream;
mod summary;
mod undecided;
