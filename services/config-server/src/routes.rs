//! The URL table.

mod bus_refresh;
mod cipher_body;
mod decrypt;
mod document;
mod encrypt;
mod encrypt_status;
mod health;
mod monitor;
mod read;
mod show_key;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

pub use document::openapi;
pub use health::Checked;

use crate::{app::App, error::ConfigServerError};

/// The longest text to encrypt or decrypt.
const LONGEST_TEXT: usize = 1024 * 1024;
/// The longest webhook; that of a large push names many files.
const LONGEST_WEBHOOK: usize = 8 * 1024 * 1024;

/// All of the service's own addresses. `prefix` begins with a slash, or is empty.
pub fn table(prefix: &str) -> Router<App> {
    let at = |path: &str| format!("{prefix}{path}");
    // `/encrypt/dev/main` is also the configuration of an application called `encrypt`.
    let ciphers = Router::new()
        .route(&at("/encrypt"), post(encrypt::handle))
        .route(&at("/encrypt/{name}/{profiles}"), post(encrypt::handle).get(read::handle))
        .route(&at("/encrypt/status"), get(encrypt_status::handle))
        .route(&at("/decrypt"), post(decrypt::handle))
        .route(&at("/decrypt/{name}/{profiles}"), post(decrypt::handle).get(read::handle))
        .route(&at("/key"), get(show_key::handle))
        .route(&at("/key/{name}/{profiles}"), get(show_key::handle))
        .layer(DefaultBodyLimit::max(LONGEST_TEXT));
    Router::new()
        .merge(ciphers)
        .route("/monitor", post(monitor::handle).layer(DefaultBodyLimit::max(LONGEST_WEBHOOK)))
        .route("/actuator/busrefresh", post(bus_refresh::handle))
        .route("/actuator/busrefresh/{*destination}", post(bus_refresh::handle))
        .route("/actuator/health", get(health::handle))
        .route("/actuator/health/{component}", get(health::handle))
        .route("/actuator/{*rest}", get(nothing))
        .route(&at("/{*path}"), get(read::handle))
}

/// Nothing below `/actuator` is an application's.
async fn nothing() -> ConfigServerError {
    ConfigServerError::NotFound("There is no such actuator.".to_owned())
}
