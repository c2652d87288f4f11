//! Signing in: checking a password, starting a session, and the response with its tokens.

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
    account::{Account, Login},
    app::App,
    cookie::RefreshCookie,
    error::AuthError,
    metrics::{self, SignInOutcome},
    session::{ACCESS_LIFETIME, TokenFamily},
    store::NewSession,
    throttle, token,
};

/// User of a sign-in, registered or guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    /// Id of the account or guest.
    pub(crate) user_id: UserId,
    /// User name that is shown; null for guests.
    #[schema(example = "ada")]
    pub(crate) username: Option<String>,
    /// E-mail address of the account; null for guests.
    #[schema(example = "ada@example.org")]
    pub(crate) email: Option<String>,
    /// Role of the user: `customer`, `admin` or `guest`.
    pub(crate) role: Role,
}

impl UserView {
    pub(crate) fn guest(user_id: UserId) -> Self {
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

/// Tokens and user of a sign-in.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "accessToken": "eyJhbGciOiJFUzI1NiIsImtpZCI6IuKApiJ9.e30.c2ln",
    "refreshToken": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tokenType": "Bearer", "expiresIn": 900,
    "user": {"userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer"}
}))]
pub(crate) struct SignedIn {
    /// Access token for `Authorization: Bearer`, valid for `expiresIn` seconds.
    pub(crate) access_token: String,
    /// Token for `POST /auth/refresh`, valid once within 30 days. Absent for browsers, which have it in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// Scheme of the `Authorization` header, always `Bearer`.
    pub(crate) token_type: &'static str,
    /// Lifetime of the access token in seconds.
    pub(crate) expires_in: u64,
    /// User who is signed in.
    pub(crate) user: UserView,
}

impl SignedIn {
    /// Returns the response with the refresh token in the body.
    pub(crate) fn respond(self, status: StatusCode) -> Response {
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (status, no_store, Json(self)).into_response()
    }

    /// Returns the response with the refresh token in a browser's cookie, or for other callers in the body.
    pub(crate) fn respond_with(mut self, status: StatusCode, cookie: &RefreshCookie) -> Response {
        if !cookie.is_browser {
            return self.respond(status);
        }
        let token = Secret::new(self.refresh_token.take().unwrap_or_default());
        let mut response = self.respond(status);
        cookie.set(&mut response, &token);
        response
    }
}

/// Creates a session of `account` and its refresh token; stores nothing.
pub(crate) fn new_session(app: &App, account: &Account) -> (NewSession, Secret) {
    let token = token::draw(&app.ids);
    let family = TokenFamily::for_account(&app.ids, account);
    (NewSession { family, token_hash: token::hash(&token), now: app.clock.now() }, token)
}

/// Stores a new session of `account` and issues its tokens.
pub(crate) async fn start_session(app: &App, account: &Account) -> Result<SignedIn, AuthError> {
    let (session, token) = new_session(app, account);
    app.store.insert_session(session.clone()).await?;
    issue_tokens(app, &session.family, &token, account.into())
}

/// Signs an access token of `family` and returns it with the refresh token.
pub(crate) fn issue_tokens(
    app: &App,
    family: &TokenFamily,
    refresh: &Secret,
    user: UserView,
) -> Result<SignedIn, AuthError> {
    let claims = family.claims(&app.ids, app.clock.now(), user.role, user.username.clone());
    Ok(SignedIn {
        access_token: app.key.sign(&claims)?,
        refresh_token: Some(refresh.expose().clone()),
        token_type: "Bearer",
        expires_in: ACCESS_LIFETIME.as_secs(),
        user,
    })
}

/// Returns the account that `login` and `password` belong to. An unknown name takes as long as a wrong password.
///
/// Errors: `CredentialsWrong`, `TooManyAttempts`, `Locked`.
pub(crate) async fn authenticate(
    app: &App,
    login: &Login,
    password: &Secret,
    from: IpAddr,
) -> Result<Account, AuthError> {
    let outcome = authenticate_uncounted(app, login, password, from).await;
    match &outcome {
        Ok(_) => metrics::sign_in(SignInOutcome::Succeeded),
        Err(AuthError::CredentialsWrong) => metrics::sign_in(SignInOutcome::Wrong),
        Err(AuthError::Locked) => metrics::sign_in(SignInOutcome::Locked),
        Err(AuthError::TooManyAttempts(_)) => metrics::sign_in(SignInOutcome::Throttled),
        Err(_) => {}
    }
    outcome
}

async fn authenticate_uncounted(
    app: &App,
    login: &Login,
    password: &Secret,
    from: IpAddr,
) -> Result<Account, AuthError> {
    let account = app.store.account_by(login).await?;
    let throttled_as = account.as_ref().map_or_else(|| login.key(), |account| account.user_id.to_string());
    let is_correct = check_password(app, &throttled_as, password, account.as_ref(), from).await?;
    match account {
        // Only a caller who knows the password is informed of the lock.
        Some(account) if is_correct && account.locked => Err(AuthError::Locked),
        Some(account) if is_correct => Ok(account),
        _ => Err(AuthError::CredentialsWrong),
    }
}

/// Returns true if `password` is the one of `account`, and counts failures of `throttled_as` from that address.
///
/// Errors: `TooManyAttempts`.
pub(crate) async fn check_password(
    app: &App,
    throttled_as: &str,
    password: &Secret,
    account: Option<&Account>,
    from: IpAddr,
) -> Result<bool, AuthError> {
    let key = throttle::key(throttled_as, from);
    // Errors while attempts have to wait; otherwise true if there are failures to clear.
    let has_failures = async || -> Result<bool, AuthError> {
        let failures = app.store.failures(&key).await?;
        match failures.and_then(|failures| failures.wait(app.clock.now())) {
            Some(wait) => Err(AuthError::TooManyAttempts(wait)),
            None => Ok(failures.is_some()),
        }
    };
    has_failures().await?;
    let is_correct = app.hasher.verify(password, account.map(|account| &account.password_hash)).await?;
    if is_correct {
        // Checked again after hashing, and below while counting: of many concurrent guesses, those that ended after a
        // wait began do not learn whether they were correct.
        if has_failures().await? {
            app.store.clear_failures(key).await?;
        }
        return Ok(true);
    }
    let now = app.clock.now();
    match app.store.count_failure(key, now).await?.and_then(|failures| failures.wait(now)) {
        Some(wait) => Err(AuthError::TooManyAttempts(wait)),
        None => Ok(false),
    }
}
