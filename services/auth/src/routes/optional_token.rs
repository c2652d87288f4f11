//! A body with a refresh token, or none: browsers have the token in a cookie.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    Problem,
    extract::{MAX_BODY, ValidJson},
};
use souk_values::Secret;
use utoipa::ToSchema;

/// Refresh token of a sign-in; left out by browsers, which send a cookie.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"refreshToken": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}))]
pub(crate) struct RefreshToken {
    /// Refresh token from the last sign-in or refresh.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Password)]
    pub(crate) refresh_token: Option<Secret>,
}

/// Extracts the refresh token of a body, if there is one.
#[derive(Debug)]
pub(crate) struct OptionalToken(pub(crate) Option<Secret>);

impl<S: Send + Sync> FromRequest<S> for OptionalToken {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // Read here, since an optional JSON extractor would go by the content type and refuse an empty body that has one.
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
            let detail = format!("The body may have at most {MAX_BODY} bytes.");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", detail)
        })?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        let request = Request::from_parts(parts, Body::from(body));
        let ValidJson(body) = ValidJson::<RefreshToken>::from_request(request, state).await?;
        Ok(Self(body.refresh_token))
    }
}
