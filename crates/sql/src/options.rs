//! Connection options of a store, derived from its URL.

use std::time::Duration;

use sea_orm::{
    ConnectOptions,
    sqlx::{
        AssertSqlSafe, Executor,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::SqlError;

/// The operations that a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes. A missing SQLite file is created.
    ReadWrite,
    /// Reads only, as operator's commands do, with or without a running shop.
    ReadOnly,
}

/// Maximum number of connections to a server engine, unless its URL sets `connections`.
const MAX_CONNECTIONS: u32 = 8;
/// Maximum number of connections of an operator's command, which must not take them away from the shop.
const MAX_READ_ONLY_CONNECTIONS: u32 = 2;
/// Maximum wait for a connection. A request that waits longer is better refused and sent again.
const WAIT: Duration = Duration::from_secs(3);
/// The same for an operator's command: behind a busy shop, an engine may refuse connections for a while.
const READ_ONLY_WAIT: Duration = Duration::from_secs(30);
/// Age from which a connection to a server engine is replaced when it is next taken: after a failover the host name may
/// resolve to another server.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Idle time from which a connection to a server engine is tried before it is used. Each try is a round trip.
const TRIED_AFTER: Duration = Duration::from_millis(500);

/// Prepared statements that a connection to MySQL or MariaDB keeps. A transaction over a batch has a text for each number of
/// rows, and each that is dropped costs 40 ms: sqlx 0.9.0 does not set `TCP_NODELAY`, and dropping one is a message
/// without an answer, which holds up the next until the server acknowledges it. More of them on all connections would come near
/// the 16,382 that a server allows by default.
const MYSQL_STATEMENTS: usize = 256;
/// Time in seconds from which a server engine cancels a statement: less than the time from which the pool takes an engine for
/// one that does not answer, so that a slow query does not cost the connections of others.
const STATEMENT_SECONDS: u32 = 8;
/// Time in seconds from which a server engine refuses to wait for a lock: less again. The transaction then fails as
/// `SqlError::Busy`, and runs again.
const LOCK_SECONDS: u32 = 5;

/// Returns the connection options for the URL of a server engine. Errors: the URL, or its `connections`, cannot be parsed.
pub(crate) fn server_options(url: &str, access: Access) -> Result<ConnectOptions, SqlError> {
    // The message must not contain the URL, which may hold a password.
    let invalid = |cause: String| SqlError::Failed(format!("the store's URL cannot be read: {cause}"));
    let mut url = url::Url::parse(url).map_err(|error| invalid(error.to_string()))?;
    let mut connections = MAX_CONNECTIONS;
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != "connections").collect();
    if let Some((_, number)) = url.query_pairs().find(|(key, _)| key == "connections") {
        connections =
            number.parse().ok().filter(|number| *number > 0).ok_or_else(|| invalid(format!("connections={number}")))?;
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
    }
    let (connections, wait) = match access {
        Access::ReadWrite => (connections, WAIT),
        Access::ReadOnly => (connections.min(MAX_READ_ONLY_CONNECTIONS), READ_ONLY_WAIT),
    };
    let mut options = pool_options(url.as_str(), connections);
    options.acquire_timeout(wait).test_before_acquire_if_idle_for(TRIED_AFTER);
    options.map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(MYSQL_STATEMENTS));
    Ok(options)
}

/// Returns `options` for a pool: its statements have time limits, which migrations do not have, and a connection is replaced
/// once it is old.
pub(crate) fn of_pool(mut options: ConnectOptions) -> ConnectOptions {
    options.map_sqlx_postgres_opts(|postgres| {
        let limits = [("lock_timeout", LOCK_SECONDS), ("statement_timeout", STATEMENT_SECONDS)];
        postgres.options(limits.map(|(name, seconds)| (name, format!("{seconds}s"))))
    });
    // Comments of the first kind are read by MariaDB, those of the second by MySQL, which limits nothing but SELECT.
    let limits = format!(
        "SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS} /*M!100101 , max_statement_time = {STATEMENT_SECONDS} */ \
         /*!50708 , max_execution_time = {STATEMENT_SECONDS}000 */"
    );
    options.map_sqlx_mysql_pool_opts(move |pool| {
        let limits = limits.clone();
        pool.after_connect(move |connection, _| {
            let limits = limits.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(limits)).await.map(|_| ()) })
        })
    });
    options.map_sqlx_postgres_before_acquire(|_, connection| Box::pin(async move { Ok(connection.age < MAX_AGE) }));
    options.map_sqlx_mysql_before_acquire(|_, connection| Box::pin(async move { Ok(connection.age < MAX_AGE) }));
    options
}

fn pool_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(WAIT)
        // With either of these, sqlx 0.9.0 runs a task over each pool that may never end and occupies a processor
        // (https://github.com/launchbadge/sqlx/issues/3645).
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// Returns the connection options for a SQLite file.
pub(crate) fn sqlite_options(url: &str, connections: u32, access: Access) -> ConnectOptions {
    let mut options = pool_options(url, connections);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.busy_timeout(Duration::from_secs(5)).foreign_keys(true);
        match access {
            Access::ReadWrite => {
                sqlite.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
            }
            Access::ReadOnly => sqlite.read_only(true).pragma("cache_size", "-256"),
        }
    });
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pool_has_the_task_that_may_never_end() {
        let url = "postgres://shop@localhost/shop?connections=3";
        for options in [
            server_options(url, Access::ReadWrite).unwrap(),
            of_pool(server_options(url, Access::ReadOnly).unwrap()),
            sqlite_options("sqlite:shop.db", 4, Access::ReadOnly),
        ] {
            assert_eq!((options.get_idle_timeout(), options.get_max_lifetime()), (Some(None), Some(None)));
        }
    }
}
