//! `POST /auth/refresh`: exchanging a refresh token for new tokens, once.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_sql::SqlError;
use souk_values::Secret;

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{
    account::Account,
    app::App,
    cookie::BrowserCookies,
    error::AuthError,
    guest_token::{self, FirstGuestToken},
    metrics::{self, RefreshOutcome},
    session::{Holder, TokenState},
    sign_in::{self, SignedIn, UserView},
    store::{FirstExchange, Rotation},
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
    cookies: BrowserCookies,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    let token = cookies.refresh.clone().or(in_body).ok_or(AuthError::RefreshTokenMissing)?;
    match exchange(&app, &token).await {
        Ok(signed_in) => {
            metrics::refresh(RefreshOutcome::Rotated);
            Ok(signed_in.respond_with(StatusCode::OK, &cookies))
        }
        Err(error) => {
            match &error {
                AuthError::RefreshTokenReused => metrics::refresh(RefreshOutcome::Reused),
                AuthError::RefreshTokenInvalid => metrics::refresh(RefreshOutcome::Invalid),
                _ => return Err(error),
            }
            let mut response = error.into_response();
            cookies.clear(&mut response);
            Ok(response)
        }
    }
}

async fn exchange(app: &App, token: &Secret) -> Result<SignedIn, AuthError> {
    let now = app.clock.now();
    let token_hash = token::hash(token);
    let Some(presented) = app.store.refresh_token(&token_hash).await? else {
        let keys = app.store.all_keys().await?;
        let first = guest_token::read(token, &keys, now).ok_or(AuthError::RefreshTokenInvalid)?;
        return exchange_first(app, first, token_hash).await;
    };
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

/// Exchanges the first refresh token of a guest, and stores the guest's sign-in by that.
async fn exchange_first(app: &App, token: FirstGuestToken, token_hash: String) -> Result<SignedIn, AuthError> {
    let now = app.clock.now();
    let family = token.family.clone();
    let next = token::draw(&app.ids);
    let signed_in = sign_in::issue_tokens(app, &family, &next, user_view(family.holder, None))?;
    let exchange = FirstExchange { token, token_hash: token_hash.clone(), new_hash: token::hash(&next), now };
    match app.store.begin_guest(exchange).await {
        Ok(()) => Ok(signed_in),
        Err(SqlError::Unique(_)) => {
            // Another request was first, so there is a copy of the token, or the guest has signed out. Revoking comes first:
            // once it is committed, so is whatever the other request wrote.
            app.store.revoke(&family.id, now).await?;
            let was_exchanged = app.store.refresh_token(&token_hash).await?.is_some();
            Err(if was_exchanged { AuthError::RefreshTokenReused } else { AuthError::RefreshTokenInvalid })
        }
        Err(error) => Err(error.into()),
    }
}

fn user_view(holder: Holder, account: Option<&Account>) -> UserView {
    match (holder, account) {
        (_, Some(account)) => account.into(),
        (Holder::Account { user_id, .. } | Holder::Guest(user_id), None) => UserView::guest(user_id),
    }
}
