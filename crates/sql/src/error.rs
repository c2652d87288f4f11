//! What can go wrong in a store, told apart by what the caller should do.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// A failed statement or transaction.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// A unique index refused the row; holds the engine's message, which names the index.
    #[error("a row with this key exists already: {0}")]
    Unique(String),
    /// A CHECK, NOT NULL or foreign key refused the row.
    #[error("the row breaks a rule of the store: {0}")]
    Constraint(String),
    /// Deadlock, serialization failure or a lock that stayed taken: the same transaction may succeed.
    #[error("the store was busy: {0}")]
    Busy(String),
    /// The engine cannot be reached, or the disk is full or read-only.
    #[error("the store cannot be used now: {0}")]
    Unavailable(String),
    /// Anything else; a defect or a damaged store.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl SqlError {
    /// Whether a unique index refused the row, and that index or column is `name`.
    ///
    /// Engines name what was violated differently (`shop_order.order_id`, `uq_payment_order`), so
    /// give every unique index a name of its own and match on that.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Self::Unique(message) if message.contains(name))
    }
}

impl From<DbErr> for SqlError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() {
            return Self::Unique(message);
        }
        match &error {
            // The driver cannot read the URL: no waiting mends that.
            DbErr::Conn(RuntimeErr::SqlxError(cause)) if matches!(**cause, sqlx::Error::Configuration(_)) => {
                Self::Failed(error.to_string())
            }
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                classify(cause, error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// MySQL's and MariaDB's numbers of errors that are not the statement's fault.
const AWAY: &[u16] = &[1021, 1026, 1030, 1049, 1053, 1114, 1290, 1317, 1836, 1927, 3024, 3100];

fn classify(cause: &sqlx::Error, message: String) -> SqlError {
    match cause {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => SqlError::Unavailable(message),
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
            // MySQL's deadlock has SQLSTATE 40001 too; its lock wait timeout is HY000 1205.
            Some("40001" | "40P01" | "55P03") => SqlError::Busy(message),
            _ if database.message().contains("Lock wait timeout") => SqlError::Busy(message),
            // SQLite's primary result code is the low byte: BUSY 5, LOCKED 6;
            // READONLY 8, IOERR 10, CORRUPT 11, FULL 13, CANTOPEN 14.
            Some(code) if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
                match code.parse::<i32>().unwrap_or(0) & 0xff {
                    5 | 6 => SqlError::Busy(message),
                    19 => SqlError::Constraint(message),
                    8 | 10 | 11 | 13 | 14 => SqlError::Unavailable(message),
                    _ => SqlError::Failed(message),
                }
            }
            // MySQL by its number: a packet that is too large will not be smaller next time.
            _ if mysql_number(&**database) == Some(1153) => SqlError::Failed(message),
            // Read-only server, disk or table full or failing, no such database (yet), ended, refused by its group.
            _ if mysql_number(&**database).is_some_and(|number| AWAY.contains(&number)) => {
                SqlError::Unavailable(message)
            }
            // SQLSTATE class 23 is an integrity constraint; MariaDB's CHECK (4025) says 23000, MySQL's (3819) HY000.
            Some(code) if code.starts_with("23") => SqlError::Constraint(message),
            _ if database.message().contains("Check constraint") => SqlError::Constraint(message),
            // PostgreSQL: a standby, no such database (yet); connection exceptions, insufficient resources,
            // operator intervention.
            Some("25006" | "3D000") => SqlError::Unavailable(message),
            Some(code) if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                SqlError::Unavailable(message)
            }
            _ => SqlError::Failed(message),
        },
        _ => SqlError::Failed(message),
    }
}

fn mysql_number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

/// An error of a store method, as far as running its transaction again is concerned.
pub trait Retryable: From<SqlError> + Send + 'static {
    /// The store's own failure in this error, if that is what it is.
    fn sql(&self) -> Option<&SqlError>;
}

impl Retryable for SqlError {
    fn sql(&self) -> Option<&SqlError> {
        Some(self)
    }
}
