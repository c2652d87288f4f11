//! What the service refuses, each with a status and a stable code.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::Problem;
use souk_sql::SqlError;

/// Why a request was not served.
#[derive(Debug)]
pub enum NotificationError {
    /// The caller has no notice with this id.
    NoSuchNotice,
    /// No file of the mailbox has this id.
    NoSuchMail,
    /// `Last-Event-ID` is none that the stream gave.
    LastEventId,
    /// The store failed.
    Store(SqlError),
    /// The mailbox folder cannot be read.
    Mailbox(std::io::Error),
}

impl From<SqlError> for NotificationError {
    fn from(error: SqlError) -> Self {
        Self::Store(error)
    }
}

impl From<std::io::Error> for NotificationError {
    fn from(error: std::io::Error) -> Self {
        Self::Mailbox(error)
    }
}

impl IntoResponse for NotificationError {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::NoSuchNotice => {
                Problem::new(StatusCode::NOT_FOUND, "notification.not_found", "You have no notice with this id.")
            }
            Self::NoSuchMail => {
                Problem::new(StatusCode::NOT_FOUND, "mail.not_found", "There is no mail with this id in the mailbox.")
            }
            Self::LastEventId => Problem::new(
                StatusCode::BAD_REQUEST,
                "last_event_id.invalid",
                "Send as Last-Event-ID the id of the last event you got from this stream, or leave it out.",
            ),
            Self::Store(error) => Problem::store(&error),
            Self::Mailbox(error) => Problem::unavailable("mailbox", &error),
        };
        problem.into_response()
    }
}
