//! One of several processes does a piece of work: the one that holds a lock of the engine.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::{Access, SqlError, options::server_options, pool};

/// The lead of one process, which ends with the process, with its connection, or when it is dropped.
#[derive(Debug)]
pub struct Leadership {
    /// Holds the lock. `None` on SQLite, whose file belongs to one process.
    connection: Option<DatabaseConnection>,
    work: String,
}

impl Leadership {
    /// Takes the lead of `work` among the processes with the store at `url`; `None` when another process has it.
    ///
    /// Errors: the engine cannot be reached.
    pub async fn take(url: &str, work: &str) -> Result<Option<Self>, SqlError> {
        let work = work.to_owned();
        if url.starts_with("sqlite:") {
            return Ok(Some(Self { connection: None, work }));
        }
        let mut options = server_options(url, Access::ReadOnly)?;
        options.max_connections(1);
        let connection = pool::connect(options).await?;
        if take_lock(&connection, &work).await? {
            return Ok(Some(Self { connection: Some(connection), work }));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Returns true while this process has the lead. The lock is taken again, which its holder may: the pool replaces a
    /// broken connection silently, and the new one has no lock.
    pub async fn is_held(&self) -> bool {
        match &self.connection {
            Some(connection) => take_lock(connection, &self.work).await.unwrap_or(false),
            None => true,
        }
    }
}

/// Takes the lock of `work` for the connection; false when another one has it.
async fn take_lock(connection: &DatabaseConnection, work: &str) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let lock = if backend == DbBackend::Postgres {
        // Such locks are scoped to the database; their key is a number.
        let sql = "SELECT CAST(CAST(pg_try_advisory_lock(hashtext($1)) AS int) AS bigint) AS taken";
        Statement::from_sql_and_values(backend, sql, [format!("souk.{work}").into()])
    } else {
        // Scoped to the server, so that the name includes the database.
        let sql = "SELECT CAST(GET_LOCK(LEFT(CONCAT('souk.', ?, '.', DATABASE()), 64), 0) AS SIGNED) AS taken";
        Statement::from_sql_and_values(backend, sql, [work.into()])
    };
    let row = connection.query_one_raw(lock).await?;
    let taken: Option<i64> = row.map(|row| row.try_get("", "taken")).transpose()?.flatten();
    Ok(taken == Some(1))
}
