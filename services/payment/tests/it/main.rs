//! The payment service over HTTP on real stores, and its store's acts in every order.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod bad_input;
mod document;
mod orders;
mod paying;
mod races;
mod refunding;
mod rig;
mod settling;
mod summary;
mod webhooks;
