//! `GET /encrypt/status`

use axum::{Json, extract::State};

use crate::{app::App, cipher::CipherError, error::ConfigServerError};

/// Whether there is a key.
pub async fn handle(State(app): State<App>) -> Result<Json<serde_json::Value>, ConfigServerError> {
    if app.server.encryptor().has_key() {
        Ok(Json(serde_json::json!({"status": "OK"})))
    } else {
        Err(CipherError::NoKey.into())
    }
}
