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
mod store_claims;
mod store_contract;
mod store_desk;
mod store_mssql;
mod store_reading;
mod store_telling;
mod stripe;
mod stripe_fake;
mod stripe_refunding;
mod stripe_settling;
mod stripe_webhooks;
mod summary;
mod webhooks;
