//! Store errors, classified by the caller's possible reactions rather than by engine.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// A failed statement or transaction.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// A unique index rejected the row. Holds the message of the engine, which names the index.
    #[error("a row with this key exists already: {0}")]
    Unique(String),
    /// A CHECK, NOT NULL or foreign key constraint rejected the row.
    #[error("the row breaks a rule of the store: {0}")]
    Constraint(String),
    /// A deadlock, serialization failure or lock timeout. The same transaction may succeed when it runs again.
    #[error("the store was busy: {0}")]
    Busy(String),
    /// The engine cannot be reached, or its disk is full or read-only.
    #[error("the store cannot be used now: {0}")]
    Unavailable(String),
    /// Anything else: a defect of the statement or a damaged store.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl SqlError {
    /// Returns true for a row that the unique index or column `name` rejected.
    ///
    /// The engines report the violated constraint in different forms (`shop_order.order_id`, `uq_payment_order`), so give
    /// every unique index a distinct name and match on that.
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
            // The driver cannot parse the URL, which no retry can fix.
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

/// Error numbers of MySQL and MariaDB for a server that cannot serve any statement.
const UNAVAILABLE: &[u16] = &[1021, 1026, 1030, 1049, 1053, 1114, 1290, 1317, 1836, 1927, 3024, 3100];

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
            // MySQL: a packet that exceeds max_allowed_packet. Its class 08 would make it a lost connection below, but the
            // packet is as large at the next attempt.
            _ if mysql_number(&**database) == Some(1153) => SqlError::Failed(message),
            // Read-only server, disk or table full or failing, database missing, statement killed, group replication.
            _ if mysql_number(&**database).is_some_and(|number| UNAVAILABLE.contains(&number)) => {
                SqlError::Unavailable(message)
            }
            // SQLSTATE class 23: integrity constraint. A failed CHECK is 23000 in MariaDB (4025), HY000 in MySQL (3819).
            Some(code) if code.starts_with("23") => SqlError::Constraint(message),
            _ if database.message().contains("Check constraint") => SqlError::Constraint(message),
            // PostgreSQL: read_only_sql_transaction on a standby, database missing; then the classes connection exception,
            // insufficient resources, operator intervention and system error.
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

/// The error of a store method, which [`crate::Db::write`] inspects to decide on a retry.
pub trait Retryable: From<SqlError> + Send + 'static {
    /// Returns the store's failure, or `None` for an error of the domain, after which no retry helps.
    fn sql_error(&self) -> Option<&SqlError>;
}

impl Retryable for SqlError {
    fn sql_error(&self) -> Option<&SqlError> {
        Some(self)
    }
}
