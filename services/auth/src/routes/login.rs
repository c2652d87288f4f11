//! `POST /auth/login`: signing in with a password.

use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{extract::ValidJson, text::Line};
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    account::{Login, field_error},
    address::ClientAddress,
    app::App,
    cookie::BrowserCookies,
    error::AuthError,
    sign_in::{self, SignedIn, Visitor},
};

/// Password with either the user name or the e-mail address.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "correct horse battery"}))]
pub(crate) struct SignIn {
    /// User name in any case; left out if `email` is given.
    #[garde(dive)]
    #[schema(inline)]
    username: Option<Line<255>>,
    /// E-mail address in any case; left out if `username` is given.
    #[garde(dive)]
    #[schema(inline)]
    email: Option<Line<255>>,
    /// Password of the account, in plain text.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// Signs in with user name or e-mail address, and password.
///
/// With `X-Souk-Client: browser` the refresh token is returned in the cookie `souk_refresh` only, which is named
/// `__Secure-souk_refresh` with TLS. The cookie `souk_device` makes later sign-ins of the user independent of how many
/// strangers try to sign in.
#[utoipa::path(post, path = "", request_body = SignIn,
    params(("X-Souk-Client" = Option<String>, Header, description = "`browser`: keep the refresh token in a cookie")),
    responses(
        (status = 200, body = SignedIn, description = "Tokens of the new sign-in"),
        (status = 401, description = "`auth.credentials_wrong`"),
        (status = 403, description = "`auth.locked`"),
        (status = 429, description = "`auth.too_many_attempts`, `auth.busy`: see Retry-After"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    cookies: BrowserCookies,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<SignIn>,
) -> Result<Response, AuthError> {
    let login = match (body.username, body.email) {
        (Some(username), None) => Login::Username(username.into()),
        (None, Some(email)) => Login::Email(email.into()),
        _ => return Err(field_error("username", "or email is required, but not both").into()),
    };
    let account = sign_in::authenticate(&app, &login, &body.password, &Visitor { from, cookies: &cookies }).await?;
    Ok(sign_in::start_session(&app, &account, &cookies).await?.respond_with(StatusCode::OK, &cookies))
}
