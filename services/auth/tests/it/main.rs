//! The auth service over HTTP, on a real store.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod accounts;
mod admins;
mod any_text;
mod cookies;
mod ended_rights;
mod keys;
mod languages;
mod passwords;
mod retention;
mod rig;
mod secrets;
mod sessions;
mod surface;
mod throttle;
mod tokens;
