//! Product over real HTTP, on a real store.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod any_text;
mod bad_input;
mod batches;
mod catalogue;
mod categories;
mod drawing;
mod export;
mod finding;
mod groups;
mod import;
mod import_files;
mod pictures;
mod pictures_away;
mod pictures_refused;
mod portable;
mod quote;
mod relevance;
mod reserving;
mod retention;
mod search;
mod shop;
mod shuffled;
mod stock;
mod variants;
