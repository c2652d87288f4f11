//! Tests of the payment service over HTTP on real stores, and of every store's contract.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "tests")]

mod any_text;
mod audit;
mod bad_input;
mod decisions;
mod document;
mod going_live;
mod orders;
mod paying;
mod races;
mod refunding;
mod rig;
mod settling;
mod store_claims;
mod store_contract;
mod store_fixture;
mod store_mssql;
mod store_outbox;
mod store_reports;
mod store_schedule;
mod stripe;
mod stripe_captures;
mod stripe_fake;
mod stripe_pending;
mod stripe_refunding;
mod stripe_settling;
mod stripe_webhooks;
mod summary;
mod webhooks;
