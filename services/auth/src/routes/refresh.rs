//! `POST /auth/refresh`: exchanging a refresh token for new tokens, once.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_values::Secret;

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{
    account::Account,
    app::App,
    cookie::RefreshCookie,
    error::AuthError,
    metrics::{self, RefreshOutcome},
    session::{Holder, TokenState},
    sign_in::{self, SignedIn, UserView},
    store::Rotation,
    token,
};

/// Exchanges a refresh token for new tokens.
///
/// A refresh token is valid once: the response has the next one, and using a token again ends its whole sign-in. With
/// `X-Souk-Client: browser` the token is read from the cookie, and the next one is returned in the cookie only.
#[utoipa::path(post, path = "", request_body = RefreshToken,
    params(("X-Souk-Client" = Option<String>, Header, description = "`browser`: the refresh token is in the cookie")),
    responses(
        (status = 200, body = SignedIn, description = "New tokens of the same sign-in"),
        (status = 401, description =
            "`auth.refresh_token_missing`, `auth.refresh_token_invalid`, `auth.refresh_token_reused`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    cookie: RefreshCookie,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    // Guests send their token in the body, also from browsers.
    let token = cookie.token.clone().or(in_body).ok_or(AuthError::RefreshTokenMissing)?;
    match exchange(&app, &token).await {
        Ok(signed_in) => {
            metrics::refresh(RefreshOutcome::Rotated);
            Ok(signed_in.respond_with(StatusCode::OK, &cookie))
        }
        Err(error) => {
            match &error {
                AuthError::RefreshTokenReused => metrics::refresh(RefreshOutcome::Reused),
                AuthError::RefreshTokenInvalid => metrics::refresh(RefreshOutcome::Invalid),
                _ => return Err(error),
            }
            let mut response = error.into_response();
            cookie.clear(&mut response);
            Ok(response)
        }
    }
}

async fn exchange(app: &App, token: &Secret) -> Result<SignedIn, AuthError> {
    let now = app.clock.now();
    let presented = app.store.refresh_token(&token::hash(token)).await?.ok_or(AuthError::RefreshTokenInvalid)?;
    let account = match presented.family.holder {
        Holder::Account { user_id, .. } => app.store.account(user_id).await?,
        Holder::Guest(_) => None,
    };
    match presented.state(account.as_ref(), now) {
        TokenState::Invalid => return Err(AuthError::RefreshTokenInvalid),
        TokenState::Reused => {
            app.store.revoke(&presented.family.id, now).await?;
            return Err(AuthError::RefreshTokenReused);
        }
        TokenState::Valid => {}
    }
    let next = token::draw(&app.ids);
    let user = user_view(presented.family.holder, account.as_ref());
    let signed_in = sign_in::issue_tokens(app, &presented.family, &next, user)?;
    let rotation =
        Rotation { old_hash: presented.hash, new_hash: token::hash(&next), family_id: presented.family.id, now };
    if app.store.rotate(rotation).await? { Ok(signed_in) } else { Err(AuthError::RefreshTokenReused) }
}

fn user_view(holder: Holder, account: Option<&Account>) -> UserView {
    match (holder, account) {
        (_, Some(account)) => account.into(),
        (Holder::Account { user_id, .. } | Holder::Guest(user_id), None) => UserView::guest(user_id),
    }
}
