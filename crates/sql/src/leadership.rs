//! One of several processes does a piece of work: the one that holds a lock of the engine.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::{Access, SqlError, migrations::without_expiry, options::server_options, pool};

/// The lead of one process, which ends with the process, with its connection, or when it is dropped.
#[derive(Debug)]
pub struct Leadership {
    /// Holds the lock. `None` on SQLite, whose file belongs to one process.
    connection: Option<DatabaseConnection>,
}

impl Leadership {
    /// Takes the lead of `work` among the processes with the store at `url`; `None` when another process has it.
    ///
    /// Errors: the engine cannot be reached.
    pub async fn take(url: &str, work: &str) -> Result<Option<Self>, SqlError> {
        if url.starts_with("sqlite:") {
            return Ok(Some(Self { connection: None }));
        }
        let mut options = without_expiry(server_options(url, Access::ReadOnly)?);
        options.max_connections(1);
        let connection = pool::connect(options).await?;
        let backend = connection.get_database_backend();
        let lock = if backend == DbBackend::Postgres {
            // Such locks are scoped to the database; their key is a number.
            let sql = "SELECT CAST(pg_try_advisory_lock(hashtext($1)) AS int) AS taken";
            Statement::from_sql_and_values(backend, sql, [format!("souk.{work}").into()])
        } else {
            // Scoped to the server, so that the name includes the database.
            let sql = "SELECT CAST(GET_LOCK(LEFT(CONCAT('souk.', ?, '.', DATABASE()), 64), 0) AS SIGNED) AS taken";
            Statement::from_sql_and_values(backend, sql, [work.into()])
        };
        let row = connection.query_one_raw(lock).await?;
        let is_taken = match row {
            Some(row) if backend == DbBackend::Postgres => row.try_get::<Option<i32>>("", "taken")? == Some(1),
            Some(row) => row.try_get::<Option<i64>>("", "taken")? == Some(1),
            None => false,
        };
        if is_taken {
            return Ok(Some(Self { connection: Some(connection) }));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Returns true while this process has the lead: the connection with the lock still responds.
    pub async fn is_held(&self) -> bool {
        match &self.connection {
            Some(connection) => connection.ping().await.is_ok(),
            None => true,
        }
    }
}
