//! Somebody signs out: the sign-in ends, and with it every refresh token of it.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::auth::Refused;

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{App, cookie::Keeping, error::AuthError, session};

/// Signs out.
///
/// Ends the sign-in of the refresh token in the body (in the cookie, with `X-Souk-Client: browser`)
/// and of the access token in `Authorization`, whichever are given. Signing out twice is no error.
#[utoipa::path(post, path = "", request_body = RefreshToken,
    params(
        ("X-Souk-Client" = Option<String>, Header, description = "`browser`: the refresh token is in the cookie"),
        ("Authorization" = Option<String>, Header, description = "`Bearer` and an access token, expired or not"),
    ),
    responses(
        (status = 204, description = "signed out"),
        (status = 401, description = "`auth.refresh_token_missing`: nothing says which sign-in; `auth.token_invalid`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    keeping: Keeping,
    headers: HeaderMap,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    let tokens: Vec<_> = keeping.token.iter().chain(&in_body).map(session::hash).collect();
    let access = bearer(&headers);
    if tokens.is_empty() && access.is_none() && !keeping.browser {
        return Err(AuthError::RefreshTokenMissing);
    }
    let mut families = Vec::new();
    for token in tokens {
        families.extend(app.store.presented(&token).await?.map(|presented| presented.family.id));
    }
    if let Some(token) = access {
        match app.verifier.verify_at_any_age(token).await {
            Ok(claims) => families.extend(session::family_of(&claims).map(ToOwned::to_owned)),
            // With a refresh token at hand the other one does not matter.
            Err(Refused::Invalid) if keeping.browser || !families.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
    families.sort_unstable();
    families.dedup();
    for family in families {
        app.store.revoke(&family, app.clock.now()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    keeping.forget(&mut response);
    Ok(response)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
