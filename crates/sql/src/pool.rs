//! The connections of a store for queries and, on a server engine, for concurrent transactions.
//!
//! When the network drops a server's packets, statements hang until TCP gives up after many minutes. Therefore every
//! statement has a time limit, and after a timeout the whole pool is replaced, because its other connections hang too.

use std::{future::Future, time::Duration};

use parking_lot::RwLock;
use sea_orm::{
    AccessMode, ConnAcquireErr, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, RuntimeErr, Statement, TransactionTrait, metric,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Access, SqlError};

/// Time limit of one statement on a server engine.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of a whole transaction on a server engine.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(20);
/// Number of connections to a server engine that queries leave to transactions, to reads by key and to readiness: those do not
/// wait behind queries that read much.
const LEFT_TO_OTHERS: u32 = 2;
/// Statements that take at least this long are logged as slow.
const SLOW: Duration = Duration::from_secs(1);

/// The connections for queries outside a transaction.
#[derive(Debug)]
pub struct Reader {
    pool: RwLock<Pool>,
    /// Connections to a server engine that queries may use at the same time.
    queries: Semaphore,
    /// Options for a new pool; `None` on SQLite, whose file has no network to lose.
    options: Option<ConnectOptions>,
    backend: DbBackend,
}

/// A pool with its generation, the number of pools before it.
#[derive(Debug, Clone)]
struct Pool {
    generation: u64,
    connections: DatabaseConnection,
}

/// Numbers of open connections, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Connections that are running a statement or transaction.
    pub used: u32,
    /// Open connections that are free.
    pub idle: u32,
}

impl Reader {
    /// Opens readers of a SQLite file.
    pub(crate) async fn open_file(options: ConnectOptions) -> Result<Self, SqlError> {
        let connections = connect(options).await?;
        Ok(Self::new(connections, None, 0))
    }

    /// Opens a pool to a server engine. One that only reads has nothing to leave connections to. Errors: the engine cannot be reached.
    pub(crate) async fn connect_to_server(options: ConnectOptions, access: Access) -> Result<Self, SqlError> {
        let connections = connect(options.clone()).await?;
        let all = options.get_max_connections().unwrap_or(1);
        let left = if access == Access::ReadWrite { LEFT_TO_OTHERS } else { 0 };
        let queries = usize::try_from(all.saturating_sub(left).max(1)).unwrap_or(1);
        Ok(Self::new(connections, Some(options), queries))
    }

    fn new(connections: DatabaseConnection, options: Option<ConnectOptions>, queries: usize) -> Self {
        let backend = connections.get_database_backend();
        let pool = RwLock::new(Pool { generation: 0, connections });
        Self { pool, queries: Semaphore::new(queries), options, backend }
    }

    fn current(&self) -> Pool {
        self.pool.read().clone()
    }

    /// Begins a transaction on one of the connections. Dropping it rolls it back.
    pub async fn begin_with_config(
        &self,
        isolation: Option<IsolationLevel>,
        access: Option<AccessMode>,
    ) -> Result<DatabaseTransaction, DbErr> {
        self.limited(
            STATEMENT_TIMEOUT,
            |connections| async move { connections.begin_with_config(isolation, access).await },
        )
        .await
    }

    /// Runs a whole transaction under a time limit. After a timeout it is unknown whether the engine has committed.
    pub(crate) async fn run_transaction<T, F>(&self, work: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = T>,
    {
        self.limited(TRANSACTION_TIMEOUT, |connections| async move { Ok(work(connections).await) }).await
    }

    /// Checks that the engine responds.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        self.limited(STATEMENT_TIMEOUT, |connections| async move { connections.ping().await }).await
    }

    /// Returns the numbers of used and idle connections.
    #[must_use]
    pub fn connections(&self) -> ConnectionCounts {
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
        ConnectionCounts { used: size.saturating_sub(idle), idle }
    }

    /// Waits for a share of the connections, as long as for a connection. A SQLite file has none.
    async fn share(&self) -> Result<Option<SemaphorePermit<'_>>, DbErr> {
        let Some(options) = &self.options else { return Ok(None) };
        let share = self.queries.acquire();
        let share = match options.get_acquire_timeout() {
            Some(limit) => tokio::time::timeout(limit, share).await.ok().and_then(Result::ok),
            None => share.await.ok(),
        };
        share.map(Some).ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
    }

    async fn limited<T, F>(&self, limit: Duration, work: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let Pool { generation, connections } = self.current();
        if self.options.is_none() {
            return work(connections).await;
        }
        // In real time, unlike the terms of the business.
        if let Ok(outcome) = tokio::time::timeout(limit, work(connections)).await {
            return outcome;
        }
        self.replace(generation).await;
        let sentence = format!("the engine gave no answer within {} s", limit.as_secs());
        Err(DbErr::Conn(RuntimeErr::Internal(sentence)))
    }

    /// Replaces the current pool by a new one.
    pub(crate) async fn replace_pool(&self) {
        let generation = self.current().generation;
        self.replace(generation).await;
    }

    /// Replaces the pool of `generation` unless another caller has done so already. Statements that still run keep the
    /// old pool alive until they end.
    async fn replace(&self, generation: u64) {
        let Some(options) = &self.options else { return };
        let mut options = options.clone();
        // The engine is probably still unreachable; the next statement connects.
        options.connect_lazy(true);
        match connect(options).await {
            Ok(connections) => {
                let mut current = self.pool.write();
                if current.generation == generation {
                    tracing::warn!("the connection pool of the store was replaced");
                    *current = Pool { generation: generation + 1, connections };
                }
            }
            Err(error) => tracing::warn!(error = %error, "the connection pool of the store could not be replaced"),
        }
    }
}

/// Connects with `options`, and logs each statement without its values at TRACE and slow ones as warnings.
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

/// The connections of a [`Reader`] without its share: for reads by key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unshared<'r>(pub &'r Reader);

#[async_trait::async_trait]
impl ConnectionTrait for Unshared<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.limited(STATEMENT_TIMEOUT, |connections| async move { connections.execute_raw(statement).await }).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.limited(STATEMENT_TIMEOUT, |connections| async move { connections.execute_unprepared(sql).await }).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.limited(STATEMENT_TIMEOUT, |connections| async move { connections.query_one_raw(statement).await }).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.limited(STATEMENT_TIMEOUT, |connections| async move { connections.query_all_raw(statement).await }).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _share = self.share().await?;
        Unshared(self).execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _share = self.share().await?;
        Unshared(self).execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _share = self.share().await?;
        Unshared(self).query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _share = self.share().await?;
        Unshared(self).query_all_raw(statement).await
    }
}
