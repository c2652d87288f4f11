//! Errors of the handlers, each with its status and stable code.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::Problem;
use souk_sql::SqlError;

#[derive(Debug)]
pub(crate) enum NotificationError {
    NoticeNotFound,
    MailNotFound,
    InvalidLastEventId,
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
            Self::NoticeNotFound => {
                Problem::new(StatusCode::NOT_FOUND, "notification.not_found", "You have no notice with this id.")
            }
            Self::MailNotFound => {
                Problem::new(StatusCode::NOT_FOUND, "mail.not_found", "The mailbox folder has no mail with this id.")
            }
            Self::InvalidLastEventId => Problem::new(
                StatusCode::BAD_REQUEST,
                "last_event_id.invalid",
                "Last-Event-ID must be the id of the last event that you received from this stream. Without it, the stream \
                 begins with the next notice.",
            ),
            Self::Store(error) => Problem::store(&error),
            Self::Mailbox(error) => Problem::unavailable("mailbox", &error),
        };
        problem.into_response()
    }
}
