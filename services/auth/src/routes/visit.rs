//! A visitor gets a token, so that a cart exists before anybody signs in.

use axum::{extract::State, http::StatusCode, response::Response};
use souk_kit::extract::NoFields;
use souk_sql::SqlError;

use crate::{
    App,
    error::AuthError,
    session::{self, Family},
    sign_in::{self, SignedIn, UserView},
    store::OpenSession,
};

/// How often another id is drawn.
const DRAWS: u32 = 5;

/// Gives a guest's tokens.
///
/// The refresh token is in the body for every caller: a guest has nothing to protect but a cart.
#[utoipa::path(post, path = "",
    responses(
        (status = 200, body = SignedIn, description = "a guest; `username` and `email` are null"),
        (status = 400, description = "`body.malformed`, `body.invalid`: this takes no fields"),
        (status = 413, description = "`body.too_large`"),
    ))]
pub async fn handle(State(app): State<App>, _: NoFields) -> Result<Response, AuthError> {
    for _ in 0..DRAWS {
        let guest = session::draw_guest_id(&app.ids);
        let family = Family::of_guest(&app.ids, guest);
        let token = session::draw_token(&app.ids);
        let signed_in = sign_in::tokens(&app, &family, &token, UserView::guest(guest))?;
        let session = OpenSession { family, token_hash: session::hash(&token), now: app.clock.now() };
        match app.store.open_session(session).await {
            Ok(()) => return Ok(signed_in.answer(StatusCode::OK)),
            Err(SqlError::Unique(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AuthError::Defect("no free guest id was found".into()))
}
