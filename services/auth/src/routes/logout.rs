//! `POST /auth/logout`: ending a sign-in with all its refresh tokens.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::auth::Refused;

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{app::App, cookie::RefreshCookie, error::AuthError, session, token};

/// Signs out, also with an expired access token.
///
/// Ends the sign-ins of the refresh token in the body (in the cookie, with `X-Souk-Client: browser`) and of the access
/// token in `Authorization`, whichever are given. Signing out twice is no error.
#[utoipa::path(post, path = "", request_body = RefreshToken,
    params(
        ("X-Souk-Client" = Option<String>, Header, description = "`browser`: the refresh token is in the cookie"),
        ("Authorization" = Option<String>, Header, description = "`Bearer` and an access token, expired or not"),
    ),
    responses(
        (status = 204, description = "The sign-in has ended"),
        (status = 401, description = "`auth.refresh_token_missing`: no token identifies a sign-in; `auth.token_invalid`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    cookie: RefreshCookie,
    headers: HeaderMap,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    let hashes: Vec<_> = cookie.token.iter().chain(&in_body).map(token::hash).collect();
    let access = bearer_token(&headers);
    if hashes.is_empty() && access.is_none() && !cookie.is_browser {
        return Err(AuthError::RefreshTokenMissing);
    }
    let mut families = Vec::new();
    for hash in hashes {
        families.extend(app.store.refresh_token(&hash).await?.map(|stored| stored.family.id));
    }
    if let Some(token) = access {
        match app.verifier.verify_ignoring_expiry(token).await {
            Ok(claims) => families.extend(session::family_of(&claims).map(ToOwned::to_owned)),
            // The refresh token already identifies the sign-in, so a damaged access token beside it is no error.
            Err(Refused::Invalid) if cookie.is_browser || !families.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
    families.sort_unstable();
    families.dedup();
    for family in families {
        app.store.revoke(&family, app.clock.now()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie.clear(&mut response);
    Ok(response)
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
