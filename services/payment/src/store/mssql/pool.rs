//! The pool of connections; runs transactions, and retries those that meet a deadlock.

use std::{sync::Arc, time::Duration};

use bb8::{ErrorSink, ManageConnection, PooledConnection, QueueStrategy, RunError};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use souk_sql::{ConnectionCounts, Retryable, SqlError};

use super::{
    address::Address,
    connection::{Connection, REQUEST},
    statements,
};
use crate::store::StoreError;

/// Attempts of a transaction that meets deadlocks or lock timeouts.
const ATTEMPTS: u32 = 8;
/// Limit of the wait for a connection; longer than the limit for opening one, so that the cause of a failure is known.
const WAIT_LIMIT: Duration = Duration::from_secs(6);
/// Idle time after which a connection is tested before it is handed out.
const TEST_AFTER: Duration = Duration::from_secs(1);

/// The connections to one database. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: bb8::Pool<Opener>,
    last_failure: LastFailure,
}

#[derive(Debug)]
struct Opener(Address);

impl ManageConnection for Opener {
    type Connection = Connection;
    type Error = SqlError;

    async fn connect(&self) -> Result<Connection, SqlError> {
        Connection::open(&self.0, REQUEST).await
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), SqlError> {
        if connection.idle() < TEST_AFTER { Ok(()) } else { connection.batch(statements::PING).await.map(drop) }
    }

    /// A connection that failed, or whose transaction was dropped, is closed: the server then rolls back.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_sound()
    }
}

/// Cause of the last failure to open a connection.
#[derive(Debug, Clone, Default)]
struct LastFailure(Arc<Mutex<Option<SqlError>>>);

impl ErrorSink<SqlError> for LastFailure {
    fn sink(&self, error: SqlError) {
        tracing::debug!(error = %error, "a connection to SQL Server failed");
        *self.0.lock() = Some(error);
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<SqlError>> {
        Box::new(self.clone())
    }
}

impl Pool {
    /// Returns a pool that opens connections on demand.
    pub fn new(address: Address) -> Self {
        let last_failure = LastFailure::default();
        let connections = bb8::Pool::builder()
            .max_size(address.connections)
            .connection_timeout(WAIT_LIMIT)
            .idle_timeout(Duration::from_secs(60))
            // Last in, first out, so that surplus connections stay idle and are closed.
            .queue_strategy(QueueStrategy::Lifo)
            .error_sink(last_failure.boxed_clone())
            .build_unchecked(Opener(address));
        Self { connections, last_failure }
    }

    pub fn connections(&self) -> ConnectionCounts {
        let state = self.connections.state();
        ConnectionCounts {
            used: state.connections.saturating_sub(state.idle_connections),
            idle: state.idle_connections,
        }
    }

    async fn acquire(&self) -> Result<PooledConnection<'_, Opener>, SqlError> {
        self.connections.get().await.map_err(|error| match error {
            RunError::User(error) => error,
            RunError::TimedOut => {
                let last = self.last_failure.0.lock().clone();
                let why = match last {
                    // Its text alone: the error around it says the same.
                    Some(SqlError::Unavailable(why)) => why,
                    Some(error) => error.to_string(),
                    None => "all are in use".to_owned(),
                };
                SqlError::Unavailable(format!("no connection within {} s: {why}", WAIT_LIMIT.as_secs()))
            }
        })
    }

    /// Runs `act` in a transaction that `begin` begins; commits on `Ok`, rolls back on `Err`. `Ok` means on disk.
    ///
    /// Runs `act` again after a deadlock or a lock timeout, so its only effects must be through its connection.
    pub async fn transact<A, T, F>(&self, begin: &'static str, args: A, act: F) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Connection, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        let pool = self.clone();
        // A task of its own: a caller that is dropped must not drop the transaction between a statement and the commit.
        let done = tokio::spawn(async move { pool.retry_while_busy(Some(begin), &args, &act).await });
        done.await.map_err(|error| SqlError::Failed(error.to_string()))?
    }

    /// Runs `act` on a connection outside a transaction: each request commits separately, at READ COMMITTED.
    pub async fn run<A, T, F>(&self, args: A, act: F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Connection, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        self.retry_while_busy(None, &args, &act).await
    }

    async fn retry_while_busy<A, T, F>(&self, begin: Option<&'static str>, args: &A, act: &F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Connection, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let mut attempt = 1;
        loop {
            match self.once(begin, args, act).await {
                Err(error) if attempt < ATTEMPTS && matches!(error.sql_error(), Some(SqlError::Busy(_))) => {
                    tracing::debug!(attempt, "SQL Server was busy; the transaction is retried");
                    // Back-off of 2, 4, 8 … ms in real time: it is not business logic.
                    tokio::time::sleep(Duration::from_millis(1 << attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<A, T, F>(&self, begin: Option<&'static str>, args: &A, act: &F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Connection, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let mut connection = self.acquire().await?;
        let Some(begin) = begin else { return act(&mut connection, args).await };
        connection.begin(begin).await?;
        match act(&mut connection, args).await {
            Ok(value) => {
                connection.commit().await?;
                Ok(value)
            }
            Err(error) => {
                connection.roll_back().await;
                Err(error)
            }
        }
    }
}
