//! `POST /auth/guest`: tokens for a visitor, who can then fill a cart before signing in.

use axum::{extract::State, http::StatusCode, response::Response};
use souk_kit::extract::NoFields;
use souk_sql::SqlError;

use crate::{
    app::App,
    error::AuthError,
    session::{self, TokenFamily},
    sign_in::{self, SignedIn, UserView},
    store::NewSession,
    token,
};

/// Attempts to find an unused guest id.
const ID_ATTEMPTS: u32 = 5;

/// Issues the tokens of a new guest.
///
/// The refresh token is in the body for all callers, browsers too: a guest has nothing to protect but a cart.
#[utoipa::path(post, path = "",
    responses(
        (status = 200, body = SignedIn, description = "Tokens of a guest; `username` and `email` are null"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has no fields"),
        (status = 413, description = "`body.too_large`"),
    ))]
pub(crate) async fn handle(State(app): State<App>, _: NoFields) -> Result<Response, AuthError> {
    for _ in 0..ID_ATTEMPTS {
        let guest = session::draw_guest_id(&app.ids);
        let family = TokenFamily::for_guest(&app.ids, guest);
        let token = token::draw(&app.ids);
        let signed_in = sign_in::issue_tokens(&app, &family, &token, UserView::guest(guest))?;
        let session = NewSession { family, token_hash: token::hash(&token), now: app.clock.now() };
        match app.store.insert_session(session).await {
            Ok(()) => return Ok(signed_in.respond(StatusCode::OK)),
            Err(SqlError::Unique(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AuthError::Defect("no free guest id was found".into()))
}
