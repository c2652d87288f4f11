//! A service's frame: everything but its business. Configuration, telemetry, health, authentication, calls, tasks.

#![warn(missing_docs)]

pub mod auth;
pub mod basic_auth;
pub mod breakers;
pub mod call;
pub mod config;
pub mod cookies;
pub mod credentials;
pub mod dead_letters;
pub mod discovery;
pub mod encoding;
pub mod environment;
pub mod extract;
pub mod http_body;
pub mod problem;
pub mod remote_config;
pub mod retention;
pub mod routes;
pub mod service;
pub mod tasks;
pub mod telemetry;
pub mod text;
pub mod this_machine;
pub mod trace_export;
pub mod traces;

mod client_address;
mod health;
mod metrics;
mod parts;
mod rest_of_body;
mod serve;
mod starting;

pub use call::{CallError, PeerClient, Peers};
pub use client_address::client_address;
pub use parts::ServiceParts;
pub use problem::Problem;
pub use serve::{Running, start};
pub use service::{Deps, Service, ShopConfig, StartError};
pub use starting::start_when_ready;
pub use traces::method_label;

/// Installs the TLS and signature provider of the process. Call it first in `main` and in tests.
pub fn install_crypto() {
    // Fails when another test of this process has installed the same provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
