//! How a store's connections are made, by its URL.

use std::time::Duration;

use sea_orm::{
    ConnectOptions,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use crate::{Access, SqlError};

/// A server engine's connections, unless its URL says otherwise.
const POOLED: u32 = 8;
/// How long one of them is used: names may lead elsewhere after a switch to another server.
const LIFETIME: Duration = Duration::from_secs(600);

/// The options of a server engine's URL. Errors: it is none, or its number of connections is none.
pub(crate) fn server_options(url: &str) -> Result<ConnectOptions, SqlError> {
    // The URL itself is not shown: it may hold a password.
    let wrong = |what: String| SqlError::Failed(format!("the store's URL cannot be read: {what}"));
    let mut url = url::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    let mut connections = POOLED;
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != "connections").collect();
    if let Some((_, number)) = url.query_pairs().find(|(key, _)| key == "connections") {
        connections =
            number.parse().ok().filter(|number| *number > 0).ok_or_else(|| wrong(format!("connections={number}")))?;
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
    }
    let mut options = pool_options(url.as_str(), connections);
    options.max_lifetime(LIFETIME);
    // A lock that stays taken ends the statement, not the patience for the engine: the transaction runs again.
    options.map_sqlx_postgres_opts(|postgres| postgres.options([("lock_timeout", "5s")]));
    Ok(options)
}

fn pool_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_secs(60))
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// The options of a SQLite file.
pub(crate) fn sqlite_options(url: &str, connections: u32, access: Access) -> ConnectOptions {
    let mut options = pool_options(url, connections);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.busy_timeout(Duration::from_secs(5)).foreign_keys(true);
        match access {
            Access::ReadWrite => {
                sqlite.create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
            }
            Access::ReadOnly => sqlite.read_only(true),
        }
    });
    if access == Access::ReadWrite {
        // The writer keeps its one connection; opening another would wait for its lock.
        options.min_connections(1).idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    }
    options
}
