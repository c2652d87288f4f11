//! Tests of the backends on real repositories and folders.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod concurrency;
mod entries;
mod folders;
mod labels;
mod last_known;
mod remotes;
mod scratch;
mod served;
