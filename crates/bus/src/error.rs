//! Errors of the bus.

use souk_events::EventError;
use souk_sql::SqlError;

/// A failure of a transport, an outbox or the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The store of the bus or of the service failed.
    #[error(transparent)]
    Store(#[from] SqlError),
    /// An event cannot be wrapped in an envelope or read from one.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A stored envelope is not valid JSON.
    #[error("a stored envelope cannot be read: {0}")]
    Damaged(#[from] serde_json::Error),
    /// No dead letter has this id.
    #[error("there is no dead letter {0}")]
    NoSuchDeadLetter(String),
    /// The dead letter with this id is an event of an outbox that this version cannot read either, so it cannot be
    /// published.
    #[error("the dead letter {0} cannot be read as an event; discard it, or replay it with a version that can")]
    StillUnreadable(String),
    /// The transport was opened for reading only, as operator's commands do.
    #[error("the bus was opened for reading only")]
    ReadOnly,
    /// The broker cannot be reached, rejects the request, or does not reply in time. Never contains a password.
    #[error("the broker cannot be used now: {0}")]
    Unavailable(String),
    /// The broker's exchanges or queues differ from those that this version declares. Contains the differences and their
    /// remedies.
    #[error("the broker's topology is not what this version needs: {0}")]
    Drift(String),
    /// The URL or the prefix in the configuration of the broker is invalid.
    #[error("the configuration of the bus is invalid: {0}")]
    Configuration(String),
}

impl From<sea_orm::DbErr> for BusError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}
