//! `POST /decrypt[/{name}/{profiles}]`

use axum::{Extension, extract::State, http::HeaderMap, response::IntoResponse};
use bytes::Bytes;

use super::cipher_body;
use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, Kind},
    security::Caller,
};

/// Decrypts the body. For administrators: who may try altered texts at will could learn what they hold.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ConfigServerError> {
    caller.must_be_admin()?;
    let decrypted = cipher_body::to_decrypt(&headers, &body)
        .and_then(|text| app.server.encryptor().decrypt(&text).map_err(ConfigServerError::from));
    metrics::asked(Kind::Cipher, &decrypted);
    decrypted
}
