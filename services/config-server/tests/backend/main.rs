//! Where configuration files come from, on real repositories and folders.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod concurrency;
mod folders;
mod labels;
mod last_known;
mod remotes;
mod routes;
mod scratch;
mod served;
