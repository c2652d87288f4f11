//! A refresh token is exchanged for new tokens, once.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::auth::Role;
use souk_values::Secret;

use super::optional_token::{OptionalToken, RefreshToken};
use crate::{
    App,
    account::Account,
    cookie::Keeping,
    error::AuthError,
    metrics::{self, Refresh},
    session::{self, Holder, Judgement},
    sign_in::{self, SignedIn, UserView},
    store::Rotation,
};

/// Exchanges a refresh token.
///
/// It is good once: the answer holds the next one, and a token that is used again ends its whole
/// sign-in. With `X-Souk-Client: browser` the token is read from the cookie, and the next one comes in
/// the cookie only.
#[utoipa::path(post, path = "", request_body = RefreshToken,
    params(("X-Souk-Client" = Option<String>, Header, description = "`browser`: the refresh token is in the cookie")),
    responses(
        (status = 200, body = SignedIn, description = "new tokens"),
        (status = 401, description =
            "`auth.refresh_token_missing`, `auth.refresh_token_invalid`, `auth.refresh_token_reused`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    keeping: Keeping,
    OptionalToken(in_body): OptionalToken,
) -> Result<Response, AuthError> {
    // A guest's token is given in the body, to browsers too.
    let token = keeping.token.clone().or(in_body).ok_or(AuthError::RefreshTokenMissing)?;
    match exchange(&app, &token).await {
        Ok(signed_in) => {
            metrics::refresh(Refresh::Rotated);
            Ok(signed_in.answer_kept(StatusCode::OK, &keeping))
        }
        Err(error) => {
            match &error {
                AuthError::RefreshTokenReused => metrics::refresh(Refresh::Reused),
                AuthError::RefreshTokenInvalid => metrics::refresh(Refresh::Invalid),
                _ => return Err(error),
            }
            let mut response = error.into_response();
            keeping.forget(&mut response);
            Ok(response)
        }
    }
}

async fn exchange(app: &App, token: &Secret) -> Result<SignedIn, AuthError> {
    let now = app.clock.now();
    let presented = app.store.presented(&session::hash(token)).await?.ok_or(AuthError::RefreshTokenInvalid)?;
    let account = match presented.family.holder {
        Holder::Account { user_id, .. } => app.store.account(user_id).await?,
        Holder::Guest(_) => None,
    };
    match presented.judge(account.as_ref(), now) {
        Judgement::Over => return Err(AuthError::RefreshTokenInvalid),
        Judgement::Reused => {
            app.store.revoke(&presented.family.id, now).await?;
            return Err(AuthError::RefreshTokenReused);
        }
        Judgement::Good => {}
    }
    let next = session::draw_token(&app.ids);
    let signed_in = sign_in::tokens(app, &presented.family, &next, view(presented.family.holder, account.as_ref()))?;
    let rotation = Rotation {
        old_hash: presented.token_hash,
        new_hash: session::hash(&next),
        family_id: presented.family.id,
        now,
    };
    if app.store.rotate(rotation).await? { Ok(signed_in) } else { Err(AuthError::RefreshTokenReused) }
}

fn view(holder: Holder, account: Option<&Account>) -> UserView {
    match (holder, account) {
        (_, Some(account)) => account.into(),
        (Holder::Account { user_id, .. } | Holder::Guest(user_id), None) => {
            UserView { user_id, username: None, email: None, role: Role::Guest }
        }
    }
}
