//! The service over real HTTP, on a real store, with real files and a small mail server.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod any_text;
mod bad_input;
mod bounds;
mod deliveries;
mod document;
mod events;
mod languages;
mod mailbox;
mod mails;
mod notices;
mod retention;
mod rig;
mod smtp;
mod smtp_server;
mod stream;
