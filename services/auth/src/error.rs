//! Errors of the auth service, with their HTTP status and stable code.

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{Problem, auth::Refused, extract::Idempotency, problem::FieldError};
use souk_sql::SqlError;

use crate::{signing::SigningError, store::StoreError};

/// The text is shown to the caller, except where `From<AuthError> for Problem` replaces it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// Unknown user or wrong password: one error for both, so that a caller cannot find out which accounts exist.
    #[error("The user name, e-mail address or password is wrong.")]
    CredentialsWrong,
    #[error("Too many failed sign-ins. Please wait before you try again.")]
    TooManyAttempts(Duration),
    #[error("There are too many requests from your address. Please try again in a moment.")]
    TooManyRequests(Duration),
    /// Too many passwords wait to be hashed.
    #[error("Very many people sign in right now. Please try again in a moment.")]
    Busy,
    #[error("This account is locked. Please contact the shop.")]
    Locked,
    #[error("An account with this e-mail address already exists. Sign in, or reset its password.")]
    EmailTaken,
    #[error("This user name is taken. Choose another one.")]
    UsernameTaken,
    #[error("There is no user with this id.")]
    UserNotFound,
    #[error("{0}")]
    Query(String),
    /// The caller was an admin when the token was issued, and no longer is.
    #[error("Only an admin may do this.")]
    AdminRightsLost,
    #[error("This is the last admin who may sign in. Make another user an admin first.")]
    LastAdmin,
    #[error(
        "There is no refresh token. Send it in the body; browsers send the cookie and the header 'X-Souk-Client: browser'."
    )]
    RefreshTokenMissing,
    /// The token is unknown or expired, or its sign-in has ended.
    #[error("The refresh token is no longer valid. Sign in again.")]
    RefreshTokenInvalid,
    #[error("This refresh token was used before, so its sign-in was ended as a precaution. Sign in again.")]
    RefreshTokenReused,
    /// The token is unknown, used or expired.
    #[error("The reset token is no longer valid. Request a new one.")]
    ResetTokenInvalid,
    #[error("A new e-mail address opens the account. Send the current password along as 'current'.")]
    CurrentPasswordRequired,
    #[error("The current password is wrong.")]
    CurrentPasswordWrong,
    #[error("The service secret is wrong.")]
    ServiceSecretWrong,
    #[error("the Idempotency-Key was used for another registration")]
    KeyReused,
    /// The token is genuine, but its account does not exist.
    #[error("the token's account does not exist")]
    AccountMissing,
    #[error("the body has invalid fields")]
    InvalidFields(Vec<FieldError>),
    #[error(transparent)]
    Token(#[from] Refused),
    #[error(transparent)]
    Store(#[from] SqlError),
    /// A bug; the text is logged and not shown to the caller.
    #[error("{0}")]
    Defect(String),
}

impl From<FieldError> for AuthError {
    fn from(error: FieldError) -> Self {
        Self::InvalidFields(vec![error])
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::Store(SqlError::Busy(error.to_string())),
            StoreError::LastAdmin => Self::LastAdmin,
            StoreError::Sql(error) => Self::Store(error),
        }
    }
}

impl From<SigningError> for AuthError {
    fn from(error: SigningError) -> Self {
        Self::Defect(error.to_string())
    }
}

impl From<souk_events::EventError> for AuthError {
    fn from(error: souk_events::EventError) -> Self {
        Self::Defect(error.to_string())
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        use StatusCode as S;
        let (status, code) = match &error {
            AuthError::CredentialsWrong => (S::UNAUTHORIZED, "auth.credentials_wrong"),
            AuthError::TooManyAttempts(_) => (S::TOO_MANY_REQUESTS, "auth.too_many_attempts"),
            AuthError::TooManyRequests(_) => (S::TOO_MANY_REQUESTS, "auth.too_many_requests"),
            AuthError::Busy => (S::TOO_MANY_REQUESTS, "auth.busy"),
            AuthError::Locked => (S::FORBIDDEN, "auth.locked"),
            AuthError::EmailTaken => (S::CONFLICT, "auth.email_taken"),
            AuthError::UsernameTaken => (S::CONFLICT, "auth.username_taken"),
            AuthError::UserNotFound => (S::NOT_FOUND, "auth.user_not_found"),
            AuthError::Query(_) => (S::BAD_REQUEST, "query.invalid"),
            AuthError::AdminRightsLost => (S::FORBIDDEN, "auth.forbidden"),
            AuthError::LastAdmin => (S::CONFLICT, "auth.last_admin"),
            AuthError::RefreshTokenMissing => (S::UNAUTHORIZED, "auth.refresh_token_missing"),
            AuthError::RefreshTokenInvalid => (S::UNAUTHORIZED, "auth.refresh_token_invalid"),
            AuthError::RefreshTokenReused => (S::UNAUTHORIZED, "auth.refresh_token_reused"),
            AuthError::ResetTokenInvalid => (S::UNPROCESSABLE_ENTITY, "auth.reset_token_invalid"),
            AuthError::CurrentPasswordRequired => (S::UNPROCESSABLE_ENTITY, "auth.current_password_required"),
            AuthError::CurrentPasswordWrong => (S::UNPROCESSABLE_ENTITY, "auth.current_password_wrong"),
            AuthError::ServiceSecretWrong => (S::UNAUTHORIZED, "auth.service_secret_wrong"),
            AuthError::KeyReused => return Idempotency::reused(),
            AuthError::AccountMissing => return Refused::Invalid.into(),
            AuthError::InvalidFields(errors) => return invalid_fields(errors),
            AuthError::Token(refused) => return refused.clone().into(),
            AuthError::Store(error) => return Problem::store(error),
            AuthError::Defect(cause) => return Problem::internal(cause),
        };
        let problem = Problem::new(status, code, error.to_string());
        match error {
            AuthError::TooManyAttempts(wait) | AuthError::TooManyRequests(wait) => problem.retry_after(wait),
            AuthError::Busy => problem.retry_after(Duration::from_secs(1)),
            _ => problem,
        }
    }
}

fn invalid_fields(errors: &[FieldError]) -> Problem {
    let detail: Vec<String> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "body.not_allowed", format!("{}.", detail.join("; ")))
        .with_errors(errors.to_vec())
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
