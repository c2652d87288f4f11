//! Store errors, classified by the caller's possible reactions rather than by engine.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::file::Refusal;

/// A failed statement or transaction.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// A unique index rejected the row. Holds the message of the engine, which names the index.
    #[error("a row with this key exists already: {0}")]
    Unique(String),
    /// A CHECK, NOT NULL or foreign key constraint rejected the row, or a value does not fit its column or the engine.
    #[error("the row breaks a rule of the store: {0}")]
    Constraint(String),
    /// A deadlock, serialization failure or lock timeout. The same transaction may succeed when it runs again.
    #[error("the store was busy: {0}")]
    Busy(String),
    /// A server engine cancelled a statement that took too long. It answers, and others get on: there is too much to read, or
    /// too much else to do.
    #[error("a statement took too long: {0}")]
    TooSlow(String),
    /// The engine cannot be reached or refuses to work for a reason that does not lie in the data: a full disk, a limit of
    /// connections, a changed password, a missing table, or any error that is not known. It passes with time or when an
    /// operator acts.
    #[error("the store cannot be used now: {0}")]
    Unavailable(String),
    /// A defect that this process found without the engine: a stored value that cannot be read, a panic, an invalid URL.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl SqlError {
    /// Returns true if the same work may succeed later without a change of its data. Work that fails otherwise would fail
    /// at every attempt, so that a message counts it towards its dead letter.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) | Self::TooSlow(_) | Self::Unavailable(_) => true,
            Self::Unique(_) | Self::Constraint(_) | Self::Failed(_) => false,
        }
    }

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
            DbErr::Conn(RuntimeErr::SqlxError(cause)) => Self::Unavailable(with_state(&error, cause)),
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                classify(cause, error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Returns the text of a refused connection, with the SQLSTATE if PostgreSQL refused it: unlike MySQL's, its text has no
/// code, and it may be in any language.
fn with_state(error: &DbErr, cause: &sqlx::Error) -> String {
    match cause {
        sqlx::Error::Database(refusal) if refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => {
            format!("{error} (SQLSTATE {})", refusal.code().unwrap_or_default())
        }
        _ => error.to_string(),
    }
}

/// Error numbers of MySQL and MariaDB for values that a column or the protocol cannot hold, and for failed CHECKs, beside
/// those of the SQLSTATE classes 22 and 23: too large a packet, truncated data, incorrect string, too many placeholders,
/// incorrect value, invalid JSON, CHECK in MySQL and in MariaDB.
const MYSQL_DATA: &[u16] = &[1153, 1265, 1366, 1390, 1525, 3140, 3819, 4025];
/// Error numbers of MySQL and MariaDB for transactions that may succeed when they run again: a row that changed under the
/// snapshot (MariaDB's `innodb_snapshot_isolation`), lock wait timeout, deadlock.
const MYSQL_BUSY: &[u16] = &[1020, 1205, 1213];
/// Error numbers of MySQL (`max_execution_time`) and MariaDB (`max_statement_time`) for statements that took too long.
const MYSQL_TOO_SLOW: &[u16] = &[3024, 1969];

/// Classifies an error of a statement. An engine has hundreds of reasons to refuse that have nothing to do with the data, so
/// those that lie in the data are listed, and every other counts as an unavailable engine.
fn classify(cause: &sqlx::Error, message: String) -> SqlError {
    match cause {
        sqlx::Error::Database(database) => classify_refusal(&**database, message),
        sqlx::Error::Configuration(_)
        | sqlx::Error::InvalidArgument(_)
        | sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_) => SqlError::Failed(message),
        _ => SqlError::Unavailable(message),
    }
}

fn classify_refusal(refusal: &dyn sqlx::error::DatabaseError, message: String) -> SqlError {
    let code = refusal.code().unwrap_or_default();
    if refusal.is_unique_violation() {
        return SqlError::Unique(refusal.message().to_owned());
    }
    let is_of_file = refusal.try_downcast_ref::<Refusal>().is_some();
    if is_of_file || refusal.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the primary result code: BUSY 5, LOCKED 6; TOOBIG 18, CONSTRAINT 19, MISMATCH 20.
        return match code.parse::<i32>().unwrap_or(0) & 0xff {
            5 | 6 => SqlError::Busy(message),
            18..=20 => SqlError::Constraint(message),
            _ => SqlError::Unavailable(message),
        };
    }
    if let Some(number) = mysql_number(refusal) {
        if MYSQL_BUSY.contains(&number) {
            return SqlError::Busy(message);
        }
        if MYSQL_TOO_SLOW.contains(&number) {
            return SqlError::TooSlow(message);
        }
        if MYSQL_DATA.contains(&number) {
            return SqlError::Constraint(message);
        }
    }
    match &*code {
        // Serialization failure, PostgreSQL's deadlock and lock timeout.
        "40001" | "40P01" | "55P03" => SqlError::Busy(message),
        // PostgreSQL's `statement_timeout`.
        "57014" => SqlError::TooSlow(message),
        // PostgreSQL after an earlier error of the same transaction, which its caller must have ignored.
        "25P02" => SqlError::Failed(message),
        // Data exception, integrity constraint, and PostgreSQL's "program limit exceeded", such as too long an index row.
        code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => SqlError::Constraint(message),
        _ => SqlError::Unavailable(message),
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

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error, fmt};

    use sea_orm::sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// A refusal of PostgreSQL with a SQLSTATE.
    #[derive(Debug)]
    struct Refusal(&'static str);

    impl fmt::Display for Refusal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Refusal {}

    impl DatabaseError for Refusal {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(Cow::Borrowed(self.0))
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn classified(cause: sqlx::Error) -> SqlError {
        DbErr::Query(RuntimeErr::SqlxError(cause.into())).into()
    }

    #[test]
    fn only_what_lies_in_the_data_is_not_transient() {
        let refused = |code| classified(sqlx::Error::Database(Box::new(Refusal(code))));
        // Too many connections, out of memory, disk full, shutdown, I/O error, password, privilege, read-only, missing table,
        // unknown.
        for code in [
            "53300", "53200", "53100", "57P01", "58030", "28P01", "28000", "42501", "25006", "3D000", "42P01", "XX000",
            "?",
        ] {
            assert!(matches!(refused(code), SqlError::Unavailable(_)) && refused(code).is_transient(), "{code}");
        }
        for code in ["40001", "40P01", "55P03"] {
            assert!(matches!(refused(code), SqlError::Busy(_)) && refused(code).is_transient(), "{code}");
        }
        for code in ["22001", "22021", "23514", "23502", "54000"] {
            assert!(matches!(refused(code), SqlError::Constraint(_)) && !refused(code).is_transient(), "{code}");
        }
        assert!(matches!(refused("57014"), SqlError::TooSlow(_)) && refused("57014").is_transient());
        assert!(matches!(refused("25P02"), SqlError::Failed(_)) && !refused("25P02").is_transient());
        assert!(!SqlError::Unique(String::new()).is_transient());
    }

    #[test]
    fn a_broken_connection_is_transient_and_an_unreadable_row_is_not() {
        for lost in [
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
            sqlx::Error::Protocol("unexpected".to_owned()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
        ] {
            assert!(matches!(classified(lost), SqlError::Unavailable(_)));
        }
        for unreadable in [
            sqlx::Error::RowNotFound,
            sqlx::Error::ColumnNotFound("units".to_owned()),
            sqlx::Error::Decode("no number".into()),
        ] {
            assert!(matches!(classified(unreadable), SqlError::Failed(_)));
        }
    }
}
