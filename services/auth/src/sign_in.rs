//! Signing in: proving a password, beginning a sign-in, and the body that answers it.

use std::net::IpAddr;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_kit::auth::Role;
use souk_values::{Secret, UserId};
use utoipa::ToSchema;

use crate::{
    App,
    account::{Account, Login},
    cookie::Keeping,
    error::AuthError,
    metrics,
    session::{self, ACCESS_LIFE, Family},
    store::OpenSession,
    throttle,
};

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Who.
    pub user_id: UserId,
    /// The name shown; guests have none.
    #[schema(example = "ada")]
    pub username: Option<String>,
    /// Where mail goes; guests have none.
    #[schema(example = "ada@example.org")]
    pub email: Option<String>,
    /// `customer`, `admin` or `guest`.
    pub role: Role,
}

impl UserView {
    /// A guest.
    pub fn guest(user_id: UserId) -> Self {
        Self { user_id, username: None, email: None, role: Role::Guest }
    }
}

impl From<&Account> for UserView {
    fn from(account: &Account) -> Self {
        Self {
            user_id: account.user_id,
            username: Some(account.username.as_str().to_owned()),
            email: Some(account.email.as_str().to_owned()),
            role: account.role,
        }
    }
}

/// The answer to whoever signed in.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "accessToken": "eyJhbGciOiJFUzI1NiIsImtpZCI6IuKApiJ9.e30.c2ln",
    "refreshToken": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tokenType": "Bearer", "expiresIn": 900,
    "user": {"userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer"}
}))]
pub struct SignedIn {
    /// What `Authorization: Bearer` takes.
    pub access_token: String,
    /// What `POST /auth/refresh` takes, once. Absent for browsers, which have it in their cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds that the access token lives.
    pub expires_in: u64,
    /// Who.
    pub user: UserView,
}

impl SignedIn {
    /// The answer, with the refresh token in the body.
    pub fn answer(self, status: StatusCode) -> Response {
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (status, no_store, Json(self)).into_response()
    }

    /// The answer to who keeps the refresh token that way: a browser's goes into its cookie only.
    pub fn answer_kept(mut self, status: StatusCode, keeping: &Keeping) -> Response {
        if !keeping.browser {
            return self.answer(status);
        }
        let token = Secret::new(self.refresh_token.take().unwrap_or_default());
        let mut response = self.answer(status);
        keeping.keep(&mut response, &token);
        response
    }
}

/// A sign-in of `account` that is not stored yet, and its refresh token.
pub fn new_session(app: &App, account: &Account) -> (OpenSession, Secret) {
    let token = session::draw_token(&app.ids);
    let family = Family::of_account(&app.ids, account);
    (OpenSession { family, token_hash: session::hash(&token), now: app.clock.now() }, token)
}

/// Begins a sign-in of `account`.
pub async fn begin(app: &App, account: &Account) -> Result<SignedIn, AuthError> {
    let (session, token) = new_session(app, account);
    app.store.open_session(session.clone()).await?;
    tokens(app, &session.family, &token, account.into())
}

/// The tokens of a sign-in.
pub fn tokens(app: &App, family: &Family, refresh: &Secret, user: UserView) -> Result<SignedIn, AuthError> {
    let claims = family.claims(&app.ids, app.clock.now(), user.role, user.username.clone());
    Ok(SignedIn {
        access_token: app.key.sign(&claims)?,
        refresh_token: Some(refresh.expose().clone()),
        token_type: "Bearer",
        expires_in: ACCESS_LIFE.as_secs(),
        user,
    })
}

/// The account that `login` names, if `password` is its own. An unknown name takes as long as a wrong
/// password. Errors: `CredentialsWrong`, `TooManyAttempts`, `Locked`.
pub async fn prove(app: &App, login: &Login, password: &Secret, from: IpAddr) -> Result<Account, AuthError> {
    let outcome = prove_uncounted(app, login, password, from).await;
    match &outcome {
        Ok(_) => metrics::sign_in(metrics::SignIn::Succeeded),
        Err(AuthError::CredentialsWrong) => metrics::sign_in(metrics::SignIn::Wrong),
        Err(AuthError::Locked) => metrics::sign_in(metrics::SignIn::Locked),
        Err(AuthError::TooManyAttempts(_)) => metrics::sign_in(metrics::SignIn::Throttled),
        Err(_) => {}
    }
    outcome
}

async fn prove_uncounted(app: &App, login: &Login, password: &Secret, from: IpAddr) -> Result<Account, AuthError> {
    let account = app.store.account_by(login).await?;
    let who = account.as_ref().map_or_else(|| login.key(), |account| account.user_id.to_string());
    let is_right = try_password(app, &who, password, account.as_ref(), from).await?;
    match account {
        Some(account) if is_right && account.locked => Err(AuthError::Locked),
        Some(account) if is_right => Ok(account),
        _ => Err(AuthError::CredentialsWrong),
    }
}

/// Whether `password` is the one of `account`, counting failures of `who` from that address. What is
/// found while tries have to wait is not told, so that many tries at once learn no more than a few.
/// Errors: `TooManyAttempts`.
pub async fn try_password(
    app: &App,
    who: &str,
    password: &Secret,
    account: Option<&Account>,
    from: IpAddr,
) -> Result<bool, AuthError> {
    let key = throttle::key(who, from);
    let wait = async || -> Result<bool, AuthError> {
        let failures = app.store.failures(&key).await?;
        match failures.and_then(|failures| failures.wait(app.clock.now())) {
            Some(wait) => Err(AuthError::TooManyAttempts(wait)),
            None => Ok(failures.is_some()),
        }
    };
    wait().await?;
    let is_right = app.hasher.is_right(password, account.map(|account| &account.password_hash)).await?;
    if is_right {
        if wait().await? {
            app.store.forget_failures(key).await?;
        }
        return Ok(true);
    }
    let now = app.clock.now();
    match app.store.count_failure(key, now).await?.and_then(|failures| failures.wait(now)) {
        Some(wait) => Err(AuthError::TooManyAttempts(wait)),
        None => Ok(false),
    }
}
