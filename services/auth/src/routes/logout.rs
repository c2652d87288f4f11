//! `POST /auth/logout`: ending a sign-in with all its refresh tokens.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::auth::{Refused, Role};

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{
    app::App,
    cookie::BrowserCookies,
    error::AuthError,
    guest_token::{self, FirstGuestToken},
    session::Holder,
    token,
};

/// Signs out, also with an expired access token.
///
/// Ends the sign-ins of the refresh token in the body (in the cookie, with `X-Souk-Client: browser`) and of the access
/// token in `Authorization`, whichever are given. Their access tokens are refused within a second. Signing out twice is
/// no error.
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
    cookies: BrowserCookies,
    headers: HeaderMap,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    let tokens: Vec<_> = cookies.refresh.iter().chain(&in_body).collect();
    let access = bearer_token(&headers);
    if tokens.is_empty() && access.is_none() && !cookies.is_browser {
        return Err(AuthError::RefreshTokenMissing);
    }
    let now = app.clock.now();
    let mut families = Vec::new();
    for token in tokens {
        if let Some(stored) = app.store.refresh_token(&token::hash(token)).await? {
            families.push(stored.family.id);
            continue;
        }
        // Perhaps the first token of a guest, which is not stored.
        let keys = app.store.all_keys().await?;
        if let Some(FirstGuestToken { family, .. }) = guest_token::read(token, &keys, now) {
            if let Holder::Guest(guest) = family.holder {
                app.store.insert_ended_guest(&family.id, guest, now).await?;
            }
            families.push(family.id);
        }
    }
    if let Some(token) = access {
        match app.verifier.verify_ignoring_expiry(token).await {
            Ok(claims) => {
                if let (Role::Guest, Some(guest), Some(id)) = (claims.role, claims.user_id(), claims.sign_in()) {
                    app.store.insert_ended_guest(id, guest, now).await?;
                }
                families.extend(claims.sign_in().map(ToOwned::to_owned));
            }
            // The refresh token already identifies the sign-in, so a damaged access token beside it is no error.
            Err(Refused::Invalid) if cookies.is_browser || !families.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
    families.sort_unstable();
    families.dedup();
    for family in families {
        app.store.revoke(&family, now).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookies.clear(&mut response);
    Ok(response)
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
