//! `POST /auth/register`: registering a customer, once per `Idempotency-Key`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Role, extract::MaybeKeyedJson, text::Line};
use souk_sql::SqlError;
use souk_values::{Id, Language, Secret};
use utoipa::ToSchema;

use crate::{
    account::{Account, Email, EmailLine, Login, Profile, Username, UsernameLine, parse_language},
    address::ClientAddress,
    app::App,
    cookie::BrowserCookies,
    error::AuthError,
    metrics,
    password::NewPassword,
    session,
    sign_in::{self, SignedIn, Visitor},
    store::{Conflict, NewAccount},
};

/// Attempts to find an unused user id.
const ID_ATTEMPTS: u32 = 5;

/// Longest language tag that is looked at; BCP 47 recommends room for 35 characters.
pub(super) const MAX_TAG_LENGTH: usize = 35;

/// Account to create for a customer.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "username": "ada", "email": "ada@example.org", "password": "correct horse battery", "language": "de"
}))]
pub(crate) struct Register {
    /// User name: 2 to 40 letters of any script, digits, spaces, `_`, `.`, `-` or `'`; unique regardless of case. When left
    /// out, it is derived from the e-mail address.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    username: Option<UsernameLine>,
    /// E-mail address, unique regardless of case; an international domain is kept in its ASCII form.
    #[garde(dive)]
    #[schema(inline)]
    email: EmailLine,
    /// Password: 10 to 256 characters, neither user name nor e-mail address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    password: Secret,
    /// Language of the mails to the user. When left out, the shop's language that `Accept-Language` prefers, else English.
    #[serde(default)]
    #[garde(dive)]
    #[schema(value_type = Option<Language>)]
    language: Option<Line<MAX_TAG_LENGTH>>,
}

/// Registers a customer and signs in.
///
/// With `X-Souk-Client: browser` the refresh token is returned in the cookie `souk_refresh` only.
#[utoipa::path(post, path = "", request_body = Register,
    params(
        ("X-Souk-Client" = Option<String>, Header, description = "`browser`: keep the refresh token in a cookie"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeats of a registration with the same key sign in to the same account"),
        ("Accept-Language" = Option<String>, Header, description = "Decides the language of the mails where the body names none"),
    ),
    responses(
        (status = 201, body = SignedIn, description = "Tokens of the new account's first sign-in"),
        (status = 400, description = "`idempotency_key.invalid`"),
        (status = 403, description = "`auth.locked`: a repeated registration whose account was locked meanwhile"),
        (status = 409, description = "`auth.email_taken`, `auth.username_taken`"),
        (status = 422, description = "`idempotency_key.reused`"),
        (status = 429, description = "`auth.busy`: see Retry-After; `auth.too_many_attempts`: a registration repeated with wrong passwords"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    cookies: BrowserCookies,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    MaybeKeyedJson(key, body): MaybeKeyedJson<Register>,
) -> Result<Response, AuthError> {
    let username = body.username.as_ref().map(AsRef::as_ref).map(Username::parse).transpose();
    let email = Email::parse(body.email.as_ref());
    let named = username.as_ref().ok().and_then(Option::as_ref);
    let password = NewPassword::parse("password", &body.password, named, email.as_ref().ok());
    let language = body.language.as_ref().map(AsRef::as_ref).map(parse_language).transpose();
    let (username, email, password, language) = match (username, email, password, language) {
        (Ok(username), Ok(email), Ok(password), Ok(language)) => (username, email, password, language),
        (username, email, password, language) => {
            let errors = [username.err(), email.err(), password.err(), language.err()].into_iter().flatten().collect();
            return Err(AuthError::InvalidFields(errors));
        }
    };
    let language = language.unwrap_or_else(|| preferred(&headers));
    let key = key.map(|key| key.digest("register|"));
    let applicant = Applicant { username: username.clone(), email: email.clone(), password, language };
    let signed_in = match register(&app, &cookies, applicant, key).await? {
        Registered::Now(signed_in) => signed_in,
        Registered::Earlier(account) => {
            if account.email != email || username.is_some_and(|username| username != account.username) {
                return Err(AuthError::KeyReused);
            }
            // Verifies the password instead of a stored hash of the body, from which it could be guessed cheaply.
            let login = Login::Email(email.key());
            let account =
                match sign_in::authenticate(&app, &login, &body.password, &Visitor { from, cookies: &cookies }).await {
                    Err(AuthError::CredentialsWrong) => return Err(AuthError::KeyReused),
                    authenticated => authenticated?,
                };
            sign_in::start_session(&app, &account, &cookies).await?
        }
    };
    Ok(signed_in.respond_with(StatusCode::CREATED, &cookies))
}

/// Returns the language that a browser prefers.
fn preferred(headers: &HeaderMap) -> Language {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    Language::negotiated(values).unwrap_or_default()
}

struct Applicant {
    /// Derived from the address if `None`.
    username: Option<Username>,
    email: Email,
    password: NewPassword,
    language: Language,
}

enum Registered {
    Now(SignedIn),
    /// The account was registered before with the same key.
    Earlier(Box<Account>),
}

async fn register(
    app: &App,
    cookies: &BrowserCookies,
    applicant: Applicant,
    key: Option<String>,
) -> Result<Registered, AuthError> {
    let Applicant { username, email, password, language } = applicant;
    let is_derived = username.is_none();
    let mut username = username.map_or_else(|| Username::derived(&email, None), Ok)?;
    let mut is_taken = false;
    match registered_earlier(app, &username, &email, key.as_deref()).await {
        Err(AuthError::UsernameTaken) if is_derived => is_taken = true,
        Ok(Some(earlier)) => return Ok(Registered::Earlier(earlier)),
        checked => drop(checked?),
    }
    let hash = app.hasher.hash(password).await?;
    for _ in 0..ID_ATTEMPTS {
        let id = session::draw_account_id(&app.ids);
        if is_taken {
            username = Username::derived(&email, Some(id.get()))?;
        }
        let profile = Profile { username: username.clone(), email: email.clone(), language };
        let (account, event) = Account::register(id, profile, Role::Customer, hash.clone(), app.clock.now());
        let drawn = sign_in::draw_session(app, &account, cookies).await?;
        let signed_in = drawn.issue(app, &account)?;
        let events = vec![app.stamper.stamp(&event)?];
        let new = NewAccount { account, register_key: key.clone(), session: Some(drawn.session), events };
        match app.store.register(new).await {
            Ok(()) => {
                metrics::registration();
                return Ok(Registered::Now(signed_in));
            }
            // A concurrent request has taken the name, the address or the key; or the random id is taken.
            Err(SqlError::Unique(_)) => match registered_earlier(app, &username, &email, key.as_deref()).await {
                Err(AuthError::UsernameTaken) if is_derived => is_taken = true,
                Ok(Some(earlier)) => return Ok(Registered::Earlier(earlier)),
                checked => drop(checked?),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Err(AuthError::Defect("no free user id was found".into()))
}

/// Returns the account that was registered with `key`. Errors: the name or address is taken by another.
async fn registered_earlier(
    app: &App,
    username: &Username,
    email: &Email,
    key: Option<&str>,
) -> Result<Option<Box<Account>>, AuthError> {
    match app.store.conflict(username, email, key, None).await? {
        None => Ok(None),
        Some(Conflict::RegisterKey(account)) => Ok(Some(account)),
        Some(Conflict::Email) => Err(AuthError::EmailTaken),
        Some(Conflict::Username) => Err(AuthError::UsernameTaken),
    }
}
