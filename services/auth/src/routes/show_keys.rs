//! `GET /.well-known/jwks.json`: the public keys that verify tokens.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, error::AuthError};

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"keys": [{
    "use": "sig", "alg": "ES256", "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "kty": "EC", "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
}]}))]
pub(crate) struct KeySet {
    /// Public keys, newest first, including those that no longer sign, as long as a token of theirs is valid.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<jsonwebtoken::jwk::Jwk>,
}

/// Returns the public keys that verify access tokens.
#[utoipa::path(get, path = "", responses((status = 200, body = KeySet, description = "The current and retired keys")))]
pub(crate) async fn handle(State(app): State<App>) -> Result<Response, AuthError> {
    let keys = KeySet { keys: app.store.listed_keys(app.clock.now()).await?.keys };
    Ok(([(header::CACHE_CONTROL, "public, max-age=60")], Json(keys)).into_response())
}
