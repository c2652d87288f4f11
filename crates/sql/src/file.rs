//! A connection to a SQLite file whose statements run on the calling thread.
//!
//! sqlx gives each connection to SQLite a thread, so that every statement is two changes of threads: more than most
//! statements cost. Work that runs many statements in a row is here moved to a thread once, and then runs them in place.

mod refusal;
mod row;

use std::{collections::HashMap, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rusqlite::{
    CachedStatement, Connection, OpenFlags, ToSql,
    config::DbConfig,
    params_from_iter,
    types::{ToSqlOutput, Value as SqliteValue, ValueRef},
};
use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sea_query::{OptionEnum, Value},
    sqlx,
};

use crate::{Access, SqlError};
pub(crate) use refusal::Refusal;
use row::Columns;

/// Maximum wait for the lock of another process, such as a back-up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of a connection that only reads, in KiB: it is emptied by each change of the file, and the system's cache serves
/// what it lacks.
const READER_CACHE: &str = "PRAGMA cache_size = -256";
/// Number of prepared statements that a connection keeps.
const STATEMENTS: usize = 256;

/// A connection for reading and writing. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct FileConnection(Arc<Mutex<Opened>>);

#[derive(Debug)]
struct Opened {
    connection: Connection,
    /// Columns of the results of queries, by their text. The schema changes before the first of them.
    columns: HashMap<String, Arc<Columns>>,
}

impl FileConnection {
    /// Opens the file at `url` (`sqlite:PATH`), and blocks meanwhile. For writing it is created if it is missing, and what
    /// is committed is on disk.
    ///
    /// Errors: the URL, or what lies there, cannot be read.
    pub(crate) fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let (flags, pragmas) = match access {
            Access::ReadWrite => (
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
            ),
            Access::ReadOnly => (OpenFlags::SQLITE_OPEN_READ_ONLY, READER_CACHE),
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = path_of(url)?;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // Otherwise some statements are planned again for each of their values.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.execute_batch(pragmas)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            Ok(connection)
        };
        let connection = open().map_err(|error| SqlError::Unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self(Arc::new(Mutex::new(Opened { connection, columns: HashMap::new() }))))
    }

    /// Executes statements without values, separated by semicolons.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let opened = self.0.lock();
        opened.connection.execute_batch(sql).map_err(failed)?;
        row::outcome(opened.connection.changes())
    }

    /// Executes a statement that returns no rows.
    pub(crate) fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let opened = self.0.lock();
        let mut prepared = prepare(&opened.connection, statement)?;
        let changes = prepared.execute(params_from_iter(bound(statement))).map_err(failed)?;
        row::outcome(u64::try_from(changes).unwrap_or(u64::MAX))
    }

    /// Executes a statement and returns its rows.
    pub(crate) fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Opened { connection, columns: known } = &mut *self.0.lock();
        let mut prepared = prepare(connection, statement)?;
        let columns = if let Some(columns) = known.get(&statement.sql) {
            Arc::clone(columns)
        } else {
            let columns = Arc::new(row::columns(&prepared));
            if known.len() >= STATEMENTS {
                known.clear();
            }
            known.insert(statement.sql.clone(), Arc::clone(&columns));
            columns
        };
        let mut found = prepared.query(params_from_iter(bound(statement))).map_err(failed)?;
        let mut rows = Vec::new();
        while let Some(found) = found.next().map_err(failed)? {
            rows.push(row::read(&columns, found)?);
        }
        row::results(rows)
    }
}

/// Returns the path in a URL, as sqlx reads it.
fn path_of(url: &str) -> Result<PathBuf, SqlError> {
    let options = sqlx::sqlite::SqliteConnectOptions::from_str(url)
        .map_err(|error| SqlError::Failed(format!("the store's URL cannot be read: {error}")))?;
    Ok(options.get_filename().to_owned())
}

fn prepare<'c>(connection: &'c Connection, statement: &Statement) -> Result<CachedStatement<'c>, DbErr> {
    tracing::trace!(target: "souk_sql::statement", engine = "Sqlite", statement = statement.sql.as_str());
    connection.prepare_cached(&statement.sql).map_err(failed)
}

fn bound(statement: &Statement) -> impl Iterator<Item = Bound<'_>> {
    statement.values.iter().flat_map(|values| values.0.iter()).map(Bound)
}

fn failed(error: rusqlite::Error) -> DbErr {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            let refusal = Refusal::new(failure, message);
            DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::Database(Box::new(refusal)).into()))
        }
        // A value that cannot be bound, or a statement that is none.
        other => DbErr::Type(other.to_string()),
    }
}

/// A value of a statement.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let unfit = |reason: String| rusqlite::Error::ToSqlConversionFailure(reason.into());
        let owned = match self.0 {
            // Without a copy.
            Value::String(Some(value)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))),
            Value::Bytes(Some(value)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(value))),
            Value::String(None) | Value::Bytes(None) | Value::Enum(OptionEnum::None(_)) => SqliteValue::Null,
            Value::Bool(value) => integer(*value),
            Value::TinyInt(value) => integer(*value),
            Value::SmallInt(value) => integer(*value),
            Value::Int(value) => integer(*value),
            Value::BigInt(value) => integer(*value),
            Value::TinyUnsigned(value) => integer(*value),
            Value::SmallUnsigned(value) => integer(*value),
            Value::Unsigned(value) => integer(*value),
            Value::BigUnsigned(value) => {
                integer(value.map(i64::try_from).transpose().map_err(|error| unfit(error.to_string()))?)
            }
            Value::Float(value) => value.map_or(SqliteValue::Null, |value| SqliteValue::Real(value.into())),
            Value::Double(value) => value.map_or(SqliteValue::Null, SqliteValue::Real),
            Value::Char(value) => value.map_or(SqliteValue::Null, |value| SqliteValue::Text(value.into())),
            Value::Json(value) => {
                value.as_ref().map_or(SqliteValue::Null, |value| SqliteValue::Text(value.to_string()))
            }
            Value::Enum(OptionEnum::Some(value)) => SqliteValue::Text(value.value.clone().into_owned()),
            other => return Err(unfit(format!("SQLite has no type for {other:?}"))),
        };
        Ok(ToSqlOutput::Owned(owned))
    }
}

fn integer(value: Option<impl Into<i64>>) -> SqliteValue {
    value.map_or(SqliteValue::Null, |value| SqliteValue::Integer(value.into()))
}
