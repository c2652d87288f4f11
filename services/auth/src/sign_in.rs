//! Signing in: checking a password, starting a session, and the response with its tokens.

use std::net::IpAddr;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_kit::auth::{ACCESS_LIFETIME, Role};
use souk_values::{Language, Secret, UserId};
use utoipa::ToSchema;

use crate::{
    account::{Account, Login},
    app::App,
    budgets::Budgeted,
    cookie::BrowserCookies,
    device::{self, Device},
    error::AuthError,
    hashing::Lane,
    metrics::{self, SignInOutcome},
    session::TokenFamily,
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
    /// Language of the mails to the user; null for guests.
    pub(crate) language: Option<Language>,
}

impl UserView {
    pub(crate) fn guest(user_id: UserId) -> Self {
        Self { user_id, username: None, email: None, role: Role::Guest, language: None }
    }
}

impl From<&Account> for UserView {
    fn from(account: &Account) -> Self {
        Self {
            user_id: account.user_id,
            username: Some(account.username.as_str().to_owned()),
            email: Some(account.email.as_str().to_owned()),
            role: account.role,
            language: Some(account.language),
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
    "user": {"userId": 246_290_604_621_824_i64, "username": "ada", "email": "ada@example.org", "role": "customer",
        "language": "en"}
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
    /// Token of a device that has become known, for a browser's cookie.
    #[serde(skip)]
    pub(crate) device_token: Option<Secret>,
}

impl SignedIn {
    /// Returns the response with the refresh token in the body.
    pub(crate) fn respond(self, status: StatusCode) -> Response {
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (status, no_store, Json(self)).into_response()
    }

    /// Returns the response with the refresh token in a browser's cookie, or for other callers in the body.
    pub(crate) fn respond_with(mut self, status: StatusCode, cookies: &BrowserCookies) -> Response {
        if !cookies.is_browser {
            return self.respond(status);
        }
        let token = Secret::new(self.refresh_token.take().unwrap_or_default());
        let device = self.device_token.take();
        let mut response = self.respond(status);
        cookies.set_refresh(&mut response, &token);
        if let Some(device) = device {
            cookies.set_device(&mut response, &device);
        }
        response
    }
}

/// Someone who signs in: the address, and the cookies of a browser.
#[derive(Debug)]
pub(crate) struct Visitor<'a> {
    pub(crate) from: IpAddr,
    pub(crate) cookies: &'a BrowserCookies,
}

/// A session that is not stored yet, with the tokens that open it.
pub(crate) struct DrawnSession {
    pub(crate) session: NewSession,
    refresh: Secret,
    device: Option<Secret>,
}

impl DrawnSession {
    /// Signs an access token, and returns it with the others.
    pub(crate) fn issue(&self, app: &App, account: &Account) -> Result<SignedIn, AuthError> {
        let signed_in = issue_tokens(app, &self.session.family, &self.refresh, account.into())?;
        Ok(SignedIn { device_token: self.device.clone(), ..signed_in })
    }
}

/// Draws a session of `account` and its tokens. A browser that is no known device of the user becomes one.
pub(crate) async fn draw_session(
    app: &App,
    account: &Account,
    cookies: &BrowserCookies,
) -> Result<DrawnSession, AuthError> {
    let refresh = token::draw(&app.ids);
    let family = TokenFamily::for_account(&app.ids, account);
    let now = app.clock.now();
    let known = Device::of(app, cookies.device.as_ref()).await?;
    let is_new = cookies.is_browser && !known.is_some_and(|device| device.is_fresh(account.user_id, now));
    let (device, device_token) = is_new.then(|| device::draw(app, account.user_id)).unzip();
    let session = NewSession { family, token_hash: token::hash(&refresh), device, now };
    Ok(DrawnSession { session, refresh, device: device_token })
}

/// Stores a new session of `account` and issues its tokens.
pub(crate) async fn start_session(
    app: &App,
    account: &Account,
    cookies: &BrowserCookies,
) -> Result<SignedIn, AuthError> {
    let drawn = draw_session(app, account, cookies).await?;
    app.store.insert_session(drawn.session.clone()).await?;
    drawn.issue(app, account)
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
        access_token: app.keys.signing().sign(&claims)?,
        refresh_token: Some(refresh.expose().clone()),
        token_type: "Bearer",
        expires_in: ACCESS_LIFETIME.as_secs(),
        user,
        device_token: None,
    })
}

/// Returns the account that `login` and `password` belong to. An unknown name takes as long as a wrong password.
///
/// Errors: `CredentialsWrong`, `TooManyAttempts`, `Busy`, `Locked`.
pub(crate) async fn authenticate(
    app: &App,
    login: &Login,
    password: &Secret,
    visitor: &Visitor<'_>,
) -> Result<Account, AuthError> {
    let outcome = authenticate_uncounted(app, login, password, visitor).await;
    match &outcome {
        Ok(_) => metrics::sign_in(SignInOutcome::Succeeded),
        Err(AuthError::CredentialsWrong) => metrics::sign_in(SignInOutcome::Wrong),
        Err(AuthError::Locked) => metrics::sign_in(SignInOutcome::Locked),
        Err(AuthError::TooManyAttempts(_)) => metrics::sign_in(SignInOutcome::Throttled),
        Err(AuthError::Busy) => metrics::sign_in(SignInOutcome::Busy),
        Err(_) => {}
    }
    outcome
}

async fn authenticate_uncounted(
    app: &App,
    login: &Login,
    password: &Secret,
    visitor: &Visitor<'_>,
) -> Result<Account, AuthError> {
    let device = Device::of(app, visitor.cookies.device.as_ref()).await?;
    let _permit = match device {
        None => Some(app.strangers.try_acquire().map_err(|_| AuthError::Busy)?),
        Some(_) => None,
    };
    let (account, budgeted) = match device {
        // Before the account is looked up, so that a flood of strangers costs the store nothing.
        None => {
            let budgeted = app.budgets.take(visitor.from, login.key())?;
            (app.store.account_by(login).await?, budgeted)
        }
        Some(device) => {
            let account = app.store.account_by(login).await?;
            let is_theirs = account.as_ref().is_some_and(|account| account.user_id == device.user_id);
            let budgeted = if is_theirs {
                app.budgets.take_known(device.token_hash)?
            } else {
                app.budgets.take(visitor.from, login.key())?
            };
            (account, budgeted)
        }
    };
    let throttled_as = account.as_ref().map_or_else(|| login.key(), |account| account.user_id.to_string());
    let attempt = Attempt { throttled_as: &throttled_as, account: account.as_ref(), from: visitor.from, budgeted };
    let is_correct = attempt.check(app, password).await?;
    match (account, is_correct) {
        // Only a caller who knows the password is informed of the lock.
        (Some(account), true) if account.locked => Err(AuthError::Locked),
        (Some(account), true) => Ok(account),
        _ => Err(AuthError::CredentialsWrong),
    }
}

/// Returns true if `password` is the one of `account`, whose user has a token. Counts failures from that address.
///
/// Errors: `TooManyAttempts`, `Busy`.
pub(crate) async fn check_password(
    app: &App,
    account: &Account,
    password: &Secret,
    from: IpAddr,
) -> Result<bool, AuthError> {
    let user = account.user_id.to_string();
    let budgeted = app.budgets.take_known(user.clone())?;
    Attempt { throttled_as: &user, account: Some(account), from, budgeted }.check(app, password).await
}

/// A password to check.
struct Attempt<'a> {
    /// User id or name, under which failures count.
    throttled_as: &'a str,
    account: Option<&'a Account>,
    from: IpAddr,
    /// Failure that was taken from the budgets.
    budgeted: Budgeted,
}

impl Attempt<'_> {
    /// Returns true if the password is the account's. Gives the failure back unless a wrong password was hashed.
    ///
    /// Errors: `TooManyAttempts`, `Busy`.
    async fn check(self, app: &App, password: &Secret) -> Result<bool, AuthError> {
        let key = throttle::key(self.throttled_as, self.from);
        let lane = match self.budgeted {
            Budgeted::Known(_) => Lane::Known,
            Budgeted::Stranger { .. } => Lane::Stranger,
        };
        let hash = self.account.map(|account| &account.password_hash);
        let hashed = match has_failures(app, &key).await {
            // A wait that has begun costs no hashing, and must not use up what others have left at this name.
            Err(error) => Err(error),
            Ok(_) => app.hasher.verify(lane, password, hash).await,
        };
        if !matches!(hashed, Ok(false)) {
            app.budgets.give_back(self.budgeted);
        }
        if hashed? {
            // Checked again after hashing, and below while counting: of many concurrent guesses, those that ended after a
            // wait began do not learn whether they were correct.
            if has_failures(app, &key).await? {
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
}

/// Returns true if there are failures to clear. Errors: `TooManyAttempts` while attempts have to wait.
async fn has_failures(app: &App, key: &str) -> Result<bool, AuthError> {
    let failures = app.store.failures(key).await?;
    match failures.and_then(|failures| failures.wait(app.clock.now())) {
        Some(wait) => Err(AuthError::TooManyAttempts(wait)),
        None => Ok(failures.is_some()),
    }
}
