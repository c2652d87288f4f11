//! Tests of the config server over real HTTP, on real folders and real Git repositories.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cipher;
mod document;
mod environments;
mod files;
mod flat;
mod git;
mod health;
mod in_process;
mod large;
mod monitor;
mod refusals;
mod repository;
mod rig;
mod security;
