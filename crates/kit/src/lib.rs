//! A service's frame: everything a service has that is not its business.

pub mod auth;
pub mod call;
pub mod config;
pub mod credentials;
pub mod discovery;
pub mod extract;
pub mod problem;
pub mod remote_config;
pub mod routes;
pub mod service;
pub mod telemetry;

mod health;
mod serve;
mod starting;
mod traces;

pub use call::{CallError, PeerClient, Peers};
pub use problem::Problem;
pub use serve::{Running, start};
pub use service::{Deps, Service, ShopConfig, StartError, Task};
pub use starting::start_patiently;
pub use traces::method_label;

/// Chooses the TLS and signature provider for the whole process. Call it first in `main` and in tests.
pub fn install_crypto() {
    // Someone may have installed the same one already, in another test of this process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
