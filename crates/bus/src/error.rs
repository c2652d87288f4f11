//! What can go wrong between services.

use souk_events::EventError;
use souk_sql::SqlError;

/// A failure of the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus's or the service's store.
    #[error(transparent)]
    Store(#[from] SqlError),
    /// An envelope that cannot be written or read.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A stored envelope is damaged.
    #[error("a stored envelope cannot be read: {0}")]
    Damaged(#[from] serde_json::Error),
    /// No dead letter has this id.
    #[error("there is no dead letter {0}")]
    NoSuchDeadLetter(String),
    /// The transport was opened for reading only.
    #[error("the bus was opened for reading only")]
    ReadOnly,
    /// The broker cannot be reached, refuses, or does not answer in time. Never holds a password.
    #[error("the broker cannot be used now: {0}")]
    Unavailable(String),
    /// The broker's exchanges or queues are not those that this version needs; says what differs and what to do.
    #[error("the broker's topology is not what this version needs: {0}")]
    Drift(String),
    /// The broker's address or a name made from the configuration cannot be right.
    #[error("the bus is not configured rightly: {0}")]
    Configuration(String),
}

impl From<sea_orm::DbErr> for BusError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}
