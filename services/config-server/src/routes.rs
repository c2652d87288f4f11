//! The URL table of the service.

mod cipher;
mod document;
mod health;
mod monitor;
mod read;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

pub(crate) use document::openapi;

use crate::{app::App, error::ConfigServerError};

/// Size limit of a text to encrypt or decrypt, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// Size limit of a webhook, in bytes; a large push lists many files.
const MAX_WEBHOOK: usize = 8 * 1024 * 1024;

/// Returns the routes. `prefix` begins with a slash, or is empty.
pub(crate) fn table(prefix: &str) -> Router<App> {
    let at = |path: &str| format!("{prefix}{path}");
    // `GET /encrypt/dev/main` is the configuration of an application called `encrypt`.
    let ciphers = Router::new()
        .route(&at("/encrypt"), post(cipher::encrypt))
        .route(&at("/encrypt/{name}/{profiles}"), post(cipher::encrypt).get(read::handle))
        .route(&at("/encrypt/status"), get(cipher::status))
        .route(&at("/decrypt"), post(cipher::decrypt))
        .route(&at("/decrypt/{name}/{profiles}"), post(cipher::decrypt).get(read::handle))
        .route(&at("/key"), get(cipher::key))
        .route(&at("/key/{name}/{profiles}"), get(cipher::key))
        .layer(DefaultBodyLimit::max(MAX_TEXT));
    Router::new()
        .merge(ciphers)
        .route("/monitor", post(monitor::webhook).layer(DefaultBodyLimit::max(MAX_WEBHOOK)))
        .route("/actuator/busrefresh", post(monitor::bus_refresh))
        .route("/actuator/busrefresh/{*destination}", post(monitor::bus_refresh))
        .route("/actuator/health", get(health::handle))
        .route("/actuator/health/{component}", get(health::handle))
        .route("/actuator/{*rest}", get(unknown_actuator))
        .route(&at("/{*path}"), get(read::handle))
}

/// Answers for unknown paths below `/actuator`, which never name an application.
async fn unknown_actuator() -> ConfigServerError {
    ConfigServerError::NotFound("There is no such actuator endpoint.".to_owned())
}
