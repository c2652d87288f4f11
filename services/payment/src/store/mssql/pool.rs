//! The pool of connections, and the one place where a transaction is run, and run again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bb8::{ErrorSink, ManageConnection, PooledConnection, QueueStrategy, RunError};
use futures::future::BoxFuture;
use souk_sql::{Connections, Retryable, SqlError};

use super::{
    address::Address,
    link::{Link, REQUEST},
    statements,
};
use crate::store::StoreError;

/// How often a transaction that met a deadlock or a lock time-out is run before giving up.
const ATTEMPTS: u32 = 8;
/// How long a connection is waited for; longer than one may take to be opened, so that its failure is known.
const WAITING: Duration = Duration::from_secs(6);
/// A connection that was not used for so long is tried before it is handed out.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// The connections to one database. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: bb8::Pool<Opener>,
    last_failure: LastFailure,
}

/// Opens connections.
#[derive(Debug)]
struct Opener(Address);

impl ManageConnection for Opener {
    type Connection = Link;
    type Error = SqlError;

    async fn connect(&self) -> Result<Link, SqlError> {
        Link::open(&self.0, REQUEST).await
    }

    async fn is_valid(&self, link: &mut Link) -> Result<(), SqlError> {
        if link.idle() < TRIED_AFTER { Ok(()) } else { link.batch(statements::PING).await.map(drop) }
    }

    /// One that failed, or whose transaction was dropped, is closed: the server undoes what it had begun.
    fn has_broken(&self, link: &mut Link) -> bool {
        !link.is_sound()
    }
}

/// Why no connection could be opened last.
#[derive(Debug, Clone, Default)]
struct LastFailure(Arc<Mutex<Option<SqlError>>>);

impl ErrorSink<SqlError> for LastFailure {
    fn sink(&self, error: SqlError) {
        tracing::debug!(error = %error, "a connection to SQL Server was not opened or was given up");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<SqlError>> {
        Box::new(self.clone())
    }
}

impl Pool {
    /// A pool that opens connections when they are needed.
    pub fn new(address: Address) -> Self {
        let last_failure = LastFailure::default();
        let connections = bb8::Pool::builder()
            .max_size(address.connections)
            .connection_timeout(WAITING)
            .idle_timeout(Duration::from_secs(60))
            // The last one used first, so that those too many grow old and are closed.
            .queue_strategy(QueueStrategy::Lifo)
            .error_sink(last_failure.boxed_clone())
            .build_unchecked(Opener(address));
        Self { connections, last_failure }
    }

    /// How many are at work, and how many are free.
    pub fn connections(&self) -> Connections {
        let state = self.connections.state();
        Connections { used: state.connections.saturating_sub(state.idle_connections), idle: state.idle_connections }
    }

    async fn link(&self) -> Result<PooledConnection<'_, Opener>, SqlError> {
        self.connections.get().await.map_err(|error| match error {
            RunError::User(error) => error,
            RunError::TimedOut => {
                let last = self.last_failure.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let why = last.map_or_else(|| "all are at work".to_owned(), |error| error.to_string());
                SqlError::Unavailable(format!("no connection within {} s: {why}", WAITING.as_secs()))
            }
        })
    }

    /// Runs `act` in one transaction that `begin` begins, commits on `Ok`, rolls back on `Err`.
    ///
    /// It is run anew after a deadlock or a lock time-out, so it must have no effect but through its connection.
    /// A caller that goes away does not stop it. `Ok` means on disk.
    pub async fn transact<A, T, F>(&self, begin: &'static str, args: A, act: F) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Link, &'t A) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        let pool = self.clone();
        // On a task of its own, so that a caller who goes away cannot drop it between statement and commit.
        let done = tokio::spawn(async move { pool.again_when_busy(Some(begin), &args, &act).await });
        done.await.map_err(|error| SqlError::Failed(error.to_string()))?
    }

    /// Runs `act` on a connection of its own, each request a transaction by itself, READ COMMITTED.
    pub async fn run<A, T, F>(&self, args: A, act: F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Link, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        self.again_when_busy(None, &args, &act).await
    }

    async fn again_when_busy<A, T, F>(&self, begin: Option<&'static str>, args: &A, act: &F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Link, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let mut attempt = 1;
        loop {
            match self.once(begin, args, act).await {
                Err(error) if attempt < ATTEMPTS && matches!(error.sql(), Some(SqlError::Busy(_))) => {
                    tracing::debug!(attempt, "SQL Server was busy; the transaction runs again");
                    // Engine back-off in real time: 2, 4, 8 … ms; nothing of the business waits on it.
                    tokio::time::sleep(Duration::from_millis(1 << attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<A, T, F>(&self, begin: Option<&'static str>, args: &A, act: &F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Link, &'t A) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let mut link = self.link().await?;
        let Some(begin) = begin else { return act(&mut link, args).await };
        link.begin(begin).await?;
        match act(&mut link, args).await {
            Ok(value) => {
                link.commit().await?;
                Ok(value)
            }
            Err(error) => {
                link.roll_back().await;
                Err(error)
            }
        }
    }
}
