//! A store's connections for reading, and, on a server engine, for transactions side by side.
//!
//! A server that was cut off by the network without a word leaves statements waiting for as long as
//! the system believes in the connection, many minutes. So each has a time limit; after one that got
//! no answer the pool is replaced, because its connections may all hang.

use std::{
    future::Future,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, RuntimeErr, Statement, TransactionTrait, metric,
};

use crate::SqlError;

/// How long one statement of a server engine may take.
const STATEMENT: Duration = Duration::from_secs(10);
/// How long a whole transaction of a server engine may take.
const TRANSACTION: Duration = Duration::from_secs(20);
/// A statement that takes longer is worth a look.
const SLOW: Duration = Duration::from_secs(1);

/// Where queries outside a transaction run.
#[derive(Debug)]
pub struct Reader {
    connections: RwLock<Numbered>,
    /// To make the pool anew; `None` on SQLite, whose file cannot be cut off.
    options: Option<ConnectOptions>,
    backend: DbBackend,
}

/// A pool and how many were before it.
#[derive(Debug, Clone)]
struct Numbered {
    number: u64,
    connections: DatabaseConnection,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub used: u32,
    /// Open and free.
    pub idle: u32,
}

impl Reader {
    /// SQLite's readers.
    pub(crate) async fn of_file(options: ConnectOptions) -> Result<Self, SqlError> {
        let connections = connect(options).await?;
        Ok(Self::new(connections, None))
    }

    /// A pool of a server engine. Errors: the engine does not answer.
    pub(crate) async fn of_server(options: ConnectOptions) -> Result<Self, SqlError> {
        let connections = connect(options.clone()).await?;
        Ok(Self::new(connections, Some(options)))
    }

    fn new(connections: DatabaseConnection, options: Option<ConnectOptions>) -> Self {
        let backend = connections.get_database_backend();
        Self { connections: RwLock::new(Numbered { number: 0, connections }), options, backend }
    }

    fn current(&self) -> Numbered {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a transaction on a connection of its own.
    pub async fn begin_with_config(
        &self,
        isolation: Option<IsolationLevel>,
        access: Option<AccessMode>,
    ) -> Result<DatabaseTransaction, DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.begin_with_config(isolation, access).await })
            .await
    }

    /// Runs a whole transaction under a time limit. What became of one that exceeds it is not known.
    pub(crate) async fn transacting<T, F>(&self, work: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = T>,
    {
        self.limited(TRANSACTION, |connections| async move { Ok(work(connections).await) }).await
    }

    /// Whether the engine answers.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.ping().await }).await
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let connections = self.current().connections;
        let (size, idle) = match self.backend {
            DbBackend::Postgres => {
                let pool = connections.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            DbBackend::MySql => {
                let pool = connections.get_mysql_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let pool = connections.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Connections { used: size.saturating_sub(idle), idle }
    }

    async fn limited<T, F>(&self, limit: Duration, work: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let Numbered { number, connections } = self.current();
        if self.options.is_none() {
            return work(connections).await;
        }
        // The network's time, not the business's.
        if let Ok(outcome) = tokio::time::timeout(limit, work(connections)).await {
            return outcome;
        }
        self.replace(number).await;
        let sentence = format!("the engine gave no answer within {} s", limit.as_secs());
        Err(DbErr::Conn(RuntimeErr::Internal(sentence)))
    }

    /// Opens another pool in place of the present one.
    pub(crate) async fn renew(&self) {
        let number = self.current().number;
        self.replace(number).await;
    }

    /// Leaves pool `number` to those who still wait in it, and opens another.
    async fn replace(&self, number: u64) {
        let Some(options) = &self.options else { return };
        let mut options = options.clone();
        options.connect_lazy(true);
        match connect(options).await {
            Ok(connections) => {
                let mut current = self.connections.write().unwrap_or_else(PoisonError::into_inner);
                if current.number == number {
                    tracing::warn!("the store's connections are made anew");
                    *current = Numbered { number: number + 1, connections };
                }
            }
            Err(error) => tracing::warn!(error = %error, "the store's connections could not be made anew"),
        }
    }
}

/// Opens `options`; each statement is told at TRACE, without its values, and a slow one is warned of.
pub(crate) async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, SqlError> {
    let mut connections = Database::connect(options).await?;
    connections.set_metric_callback(|info: &metric::Info<'_>| {
        let statement = info.statement.sql.as_str();
        if info.elapsed >= SLOW {
            let duration_ms = u64::try_from(info.elapsed.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(target: "souk_sql::slow", duration_ms, statement, "a statement took long");
        }
        let engine = format_args!("{:?}", info.statement.db_backend);
        tracing::trace!(target: "souk_sql::statement", engine, statement);
    });
    Ok(connections)
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.execute_raw(statement).await }).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.execute_unprepared(sql).await }).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.query_one_raw(statement).await }).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.limited(STATEMENT, |connections| async move { connections.query_all_raw(statement).await }).await
    }
}
