//! What can go wrong here, and the status and code that say so.

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{Problem, auth::Refused, extract::Idempotency, problem::FieldError};
use souk_sql::SqlError;

use crate::store::StoreError;

/// Why a request is refused or fails.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such user, or another password.
    #[error("The name or the password is wrong.")]
    CredentialsWrong,
    /// Too many failed sign-ins.
    #[error("Too many failed sign-ins. Wait before you try again.")]
    TooManyAttempts(Duration),
    /// An admin locked the account.
    #[error("This account is locked.")]
    Locked,
    /// Somebody has the address.
    #[error("There is an account with this e-mail address already.")]
    EmailTaken,
    /// Somebody has the name.
    #[error("This name is taken.")]
    UsernameTaken,
    /// No account has this id.
    #[error("There is no such user.")]
    UserNotFound,
    /// The caller was an admin when the token was given, and is none any more.
    #[error("Only an admin may do this.")]
    NoAdminAnyMore,
    /// The shop would have nobody who runs it.
    #[error("This is the last admin who may sign in. Make another one first.")]
    LastAdmin,
    /// Neither cookie nor body holds a refresh token.
    #[error(
        "Send the refresh token in the body; a browser sends its cookie together with the header 'X-Souk-Client: browser'."
    )]
    RefreshTokenMissing,
    /// It is unknown, its time is over, or its sign-in was ended.
    #[error("The refresh token is not valid any more. Sign in again.")]
    RefreshTokenInvalid,
    /// It was exchanged before.
    #[error("This refresh token was used before, so its sign-in has been ended. Sign in again.")]
    RefreshTokenReused,
    /// It is unknown, spent, or its time is over.
    #[error("The reset token is not valid any more. Ask for a new one.")]
    ResetTokenInvalid,
    /// The caller's present password is another.
    #[error("The current password is wrong.")]
    CurrentPasswordWrong,
    /// Not the shop's secret.
    #[error("The secret is wrong.")]
    ServiceSecretWrong,
    /// The key came with another registration before.
    #[error("the Idempotency-Key was used before")]
    KeyReused,
    /// The account of a genuine token is gone.
    #[error("the token's account does not exist")]
    AccountGone,
    /// Readable, but not allowed.
    #[error("the body is not allowed")]
    NotAllowed(Vec<FieldError>),
    /// The access token is refused.
    #[error(transparent)]
    Token(#[from] Refused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] SqlError),
    /// A defect.
    #[error("{0}")]
    Defect(String),
}

impl From<FieldError> for AuthError {
    fn from(error: FieldError) -> Self {
        Self::NotAllowed(vec![error])
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
            AuthError::Locked => (S::FORBIDDEN, "auth.locked"),
            AuthError::EmailTaken => (S::CONFLICT, "auth.email_taken"),
            AuthError::UsernameTaken => (S::CONFLICT, "auth.username_taken"),
            AuthError::UserNotFound => (S::NOT_FOUND, "auth.user_not_found"),
            AuthError::NoAdminAnyMore => (S::FORBIDDEN, "auth.forbidden"),
            AuthError::LastAdmin => (S::CONFLICT, "auth.last_admin"),
            AuthError::RefreshTokenMissing => (S::UNAUTHORIZED, "auth.refresh_token_missing"),
            AuthError::RefreshTokenInvalid => (S::UNAUTHORIZED, "auth.refresh_token_invalid"),
            AuthError::RefreshTokenReused => (S::UNAUTHORIZED, "auth.refresh_token_reused"),
            AuthError::ResetTokenInvalid => (S::UNPROCESSABLE_ENTITY, "auth.reset_token_invalid"),
            AuthError::CurrentPasswordWrong => (S::UNPROCESSABLE_ENTITY, "auth.current_password_wrong"),
            AuthError::ServiceSecretWrong => (S::UNAUTHORIZED, "auth.service_secret_wrong"),
            AuthError::KeyReused => return Idempotency::reused(),
            AuthError::AccountGone => return Refused::Invalid.into(),
            AuthError::NotAllowed(errors) => return not_allowed(errors),
            AuthError::Token(refused) => return refused.clone().into(),
            AuthError::Store(error) => return Problem::store(error),
            AuthError::Defect(cause) => return Problem::internal(cause),
        };
        let problem = Problem::new(status, code, error.to_string());
        match error {
            AuthError::TooManyAttempts(wait) => problem.retry_after(wait),
            _ => problem,
        }
    }
}

fn not_allowed(errors: &[FieldError]) -> Problem {
    let detail: Vec<String> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "body.not_allowed", format!("{}.", detail.join("; ")))
        .with_errors(errors.to_vec())
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
