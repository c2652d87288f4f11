//! `POST /auth/guest`: tokens for a visitor, who can then fill a cart before signing in.

use axum::{extract::State, http::StatusCode, response::Response};
use souk_kit::extract::NoFields;

use crate::{
    app::App,
    cookie::BrowserCookies,
    error::AuthError,
    guest_token,
    session::{self, TokenFamily},
    sign_in::{self, SignedIn, UserView},
};

/// Issues the tokens of a new guest.
///
/// Nothing is stored: both tokens are signed, and the guest's sign-in is written when the refresh token is exchanged for
/// the first time. With `X-Souk-Client: browser` the refresh token is in the cookie only.
#[utoipa::path(post, path = "",
    params(("X-Souk-Client" = Option<String>, Header, description = "`browser`: the refresh token is in the cookie")),
    responses(
        (status = 200, body = SignedIn, description = "Tokens of a guest; `username` and `email` are null"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has no fields"),
        (status = 413, description = "`body.too_large`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    cookies: BrowserCookies,
    _: NoFields,
) -> Result<Response, AuthError> {
    let guest = session::draw_guest_id(&app.ids);
    let family = TokenFamily::for_guest(&app.ids, guest);
    let token = guest_token::issue(&app.keys.signing(), &family, &app.ids, app.clock.now())?;
    let signed_in = sign_in::issue_tokens(&app, &family, &token, UserView::guest(guest))?;
    Ok(signed_in.respond_with(StatusCode::OK, &cookies))
}
