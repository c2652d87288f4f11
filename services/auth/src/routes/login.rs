//! Somebody signs in.

use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    App,
    account::{Login, wrong},
    address::ClientAddress,
    cookie::Keeping,
    error::AuthError,
    sign_in::{self, SignedIn},
};

/// Who signs in: a name or an address, and the password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "correct horse battery"}))]
pub struct SignIn {
    /// Either this, in any case,
    #[garde(length(min = 1, max = 255))]
    username: Option<String>,
    /// or this, in any case.
    #[garde(length(min = 1, max = 255))]
    email: Option<String>,
    /// The password.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// Signs in.
///
/// With `X-Souk-Client: browser` the refresh token comes in the cookie `souk_refresh` only.
#[utoipa::path(post, path = "", request_body = SignIn,
    params(("X-Souk-Client" = Option<String>, Header, description = "`browser`: keep the refresh token in a cookie")),
    responses(
        (status = 200, body = SignedIn, description = "signed in"),
        (status = 401, description = "`auth.credentials_wrong`"),
        (status = 403, description = "`auth.locked`"),
        (status = 429, description = "`auth.too_many_attempts`: see Retry-After"),
    ))]
pub async fn handle(
    State(app): State<App>,
    keeping: Keeping,
    ClientAddress(from): ClientAddress,
    ValidJson(body): ValidJson<SignIn>,
) -> Result<Response, AuthError> {
    let login = match (body.username, body.email) {
        (Some(username), None) => Login::Username(username),
        (None, Some(email)) => Login::Email(email),
        _ => return Err(wrong("username", "or email is needed, and not both").into()),
    };
    let account = sign_in::prove(&app, &login, &body.password, from).await?;
    Ok(sign_in::begin(&app, &account).await?.answer_kept(StatusCode::OK, &keeping))
}
