//! `POST /encrypt[/{name}/{profiles}]`

use axum::{Extension, extract::State, http::HeaderMap, response::IntoResponse};
use bytes::Bytes;

use super::cipher_body;
use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, Kind},
    security::Caller,
};

/// Encrypts the body. For administrators.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ConfigServerError> {
    caller.must_be_admin()?;
    let encrypted = cipher_body::to_encrypt(&headers, &body)
        .and_then(|text| app.server.encryptor().encrypt(&text).map_err(ConfigServerError::from));
    metrics::asked(Kind::Cipher, &encrypted);
    encrypted
}
