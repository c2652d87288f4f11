//! Somebody registers, and is signed in.

use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use souk_kit::{
    auth::Role,
    extract::{Idempotency, MaybeKeyedJson},
};
use souk_sql::SqlError;
use souk_values::Secret;
use utoipa::ToSchema;

use crate::{
    App,
    account::{Account, Email, Login, Username},
    address::ClientAddress,
    cookie::Keeping,
    error::AuthError,
    metrics,
    password::NewPassword,
    session,
    sign_in::{self, SignedIn},
    store::{NewAccount, Taken},
};

/// How often another id is drawn.
const DRAWS: u32 = 5;

/// Who registers.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}))]
pub struct Register {
    /// 3 to 40 letters, digits, `_`, `.` or `-`; unique in any case.
    #[garde(skip)]
    username: String,
    /// Unique in any case.
    #[garde(skip)]
    email: String,
    /// 10 to 256 characters, neither the name nor the address.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 256)]
    password: Secret,
}

/// Registers a customer and signs in.
///
/// With `X-Souk-Client: browser` the refresh token comes in the cookie `souk_refresh` only.
#[utoipa::path(post, path = "", request_body = Register,
    params(
        ("X-Souk-Client" = Option<String>, Header, description = "`browser`: keep the refresh token in a cookie"),
        ("Idempotency-Key" = Option<String>, Header, description = "a repeated registration answers again"),
    ),
    responses(
        (status = 201, body = SignedIn, description = "registered and signed in"),
        (status = 400, description = "`idempotency_key.invalid`"),
        (status = 403, description = "`auth.locked`: a repeated registration, whose account was locked since"),
        (status = 409, description = "`auth.email_taken`, `auth.username_taken`"),
        (status = 422, description = "`idempotency_key.reused`"),
        (status = 429, description = "`auth.too_many_attempts`: a registration repeated with wrong passwords"),
    ))]
pub async fn handle(
    State(app): State<App>,
    keeping: Keeping,
    ClientAddress(from): ClientAddress,
    MaybeKeyedJson(key, body): MaybeKeyedJson<Register>,
) -> Result<Response, AuthError> {
    let (username, email) = (Username::parse(&body.username), Email::parse(&body.email));
    let password = NewPassword::parse("password", &body.password, username.as_ref().ok(), email.as_ref().ok());
    let (username, email, password) = match (username, email, password) {
        (Ok(username), Ok(email), Ok(password)) => (username, email, password),
        (username, email, password) => {
            let errors = [username.err(), email.err(), password.err()].into_iter().flatten().collect();
            return Err(AuthError::NotAllowed(errors));
        }
    };
    let key = key.map(|key| key_hash(&key));
    let signed_in = match register(&app, username.clone(), email.clone(), password, key).await? {
        Registered::Now(signed_in) => signed_in,
        Registered::Before(account) => {
            if (&account.username, &account.email) != (&username, &email) {
                return Err(AuthError::KeyReused);
            }
            // The stored password is compared in place of a body's hash, which would give it away.
            let login = Login::Email(email.key());
            let account = match sign_in::prove(&app, &login, &body.password, from).await {
                Err(AuthError::CredentialsWrong) => return Err(AuthError::KeyReused),
                proven => proven?,
            };
            sign_in::begin(&app, &account).await?
        }
    };
    Ok(signed_in.answer_kept(StatusCode::CREATED, &keeping))
}

enum Registered {
    Now(SignedIn),
    Before(Box<Account>),
}

async fn register(
    app: &App,
    username: Username,
    email: Email,
    password: NewPassword,
    key: Option<String>,
) -> Result<Registered, AuthError> {
    if let Some(before) = taken(app, &username, &email, key.as_deref()).await? {
        return Ok(before);
    }
    let hash = app.hasher.hash(password).await?;
    for _ in 0..DRAWS {
        let id = session::draw_account_id(&app.ids);
        let names = (username.clone(), email.clone());
        let (account, event) = Account::register(id, names, Role::Customer, hash.clone(), app.clock.now());
        let (session, token) = sign_in::new_session(app, &account);
        let signed_in = sign_in::tokens(app, &session.family, &token, (&account).into())?;
        let events = vec![app.stamper.stamp(&event)?];
        let new = NewAccount { account, register_key: key.clone(), session: Some(session), events };
        match app.store.register(new).await {
            Ok(()) => {
                metrics::registration();
                return Ok(Registered::Now(signed_in));
            }
            // Somebody else was faster with the name, the address or the key; or the id was taken.
            Err(SqlError::Unique(_)) => {
                if let Some(before) = taken(app, &username, &email, key.as_deref()).await? {
                    return Ok(before);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(AuthError::Defect("no free user id was found".into()))
}

async fn taken(
    app: &App,
    username: &Username,
    email: &Email,
    key: Option<&str>,
) -> Result<Option<Registered>, AuthError> {
    match app.store.taken(username, email, key, None).await? {
        None => Ok(None),
        Some(Taken::Key(account)) => Ok(Some(Registered::Before(account))),
        Some(Taken::Email) => Err(AuthError::EmailTaken),
        Some(Taken::Username) => Err(AuthError::UsernameTaken),
    }
}

fn key_hash(key: &Idempotency) -> String {
    session::hex(&Sha256::digest(format!("register|{}", key.key)))
}
