//! The gateway over real HTTP, between the clients and the fake services of each test.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod any_text;
mod breakers;
mod compression;
mod document;
mod framing;
mod headers;
mod limits;
mod own;
mod passing;
mod paths;
mod rate_limits;
mod rig;
mod routes;
mod stopping;
mod storefront;
mod streams;
mod tokens;
