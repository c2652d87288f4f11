//! `GET /key[/{name}/{profiles}]`

use axum::extract::{OriginalUri, State};

use crate::{app::App, error::ConfigServerError};

/// The public half of the RSA key, `ssh-rsa …`; with `?format=pem` as PEM.
pub async fn handle(State(app): State<App>, OriginalUri(uri): OriginalUri) -> Result<String, ConfigServerError> {
    let encryptor = app.server.encryptor();
    let wants_pem = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "format=pem"));
    Ok(if wants_pem { encryptor.public_key_pem()? } else { encryptor.public_key()? })
}
