//! An open store: queries run on a pool of readers, writes in transactions that may run more than once.

use std::{any::Any, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{AccessMode, ConnectOptions, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{Notify, oneshot};

use crate::{
    Reader, Retryable, SqlError, Tx,
    lookup::{Lookup, Lookups},
    migrations,
    options::{Access, of_pool, server_options, sqlite_options},
    transaction::Legacy,
    writer::{self, Group, GroupEnd, GroupState, JobResult, Jobs, LastFailure, Run},
};

/// Maximum number of runs of a transaction that meets deadlocks or serialization failures.
const MAX_ATTEMPTS: u32 = 8;
/// Maximum number of values that are kept for [`Db::handed_over`].
const MAX_HANDED_OVER: usize = 4_096;
/// Limits of the number of connections that read a SQLite file concurrently; in between it is that of the processors. Each has a
/// thread and a page cache.
const SQLITE_READERS: (usize, usize) = (2, 8);

/// An open store. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: Reader,
    /// `None` on a server engine.
    lookups: Option<Lookups>,
    writer: Option<Writer>,
    committed: Notify,
    handed_over: Mutex<HandedOver>,
}

/// Values that committed transactions have handed over, until they are taken.
#[derive(Debug, Default)]
pub struct HandedOver {
    /// In the order of their transactions.
    pub values: Vec<Box<dyn Any + Send>>,
    /// True if there were too many to keep all.
    pub is_incomplete: bool,
}

#[derive(Debug)]
enum Writer {
    /// SQLite: one connection that commits transactions in groups.
    Grouped { jobs: Jobs, options: Box<ConnectOptions>, last_failure: LastFailure },
    /// PostgreSQL and MySQL: concurrent transactions on the pool.
    Pooled { options: Box<ConnectOptions>, last_failure: LastFailure },
}

impl Db {
    /// Opens the store at `url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. A pool to a server engine has up to eight
    /// connections, or as many as `connections=N` in the query of the URL allows; with [`Access::ReadOnly`] up to two,
    /// for which it waits longer.
    ///
    /// Errors: another scheme, an URL that cannot be parsed, or an engine that cannot be reached.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            // In a box, so that the futures that contain it are less deep than the compiler allows.
            "sqlite" => Box::pin(Self::open_sqlite(url, access)).await,
            "postgres" | "postgresql" | "mysql" => {
                let options = server_options(url, access)?;
                let reader = Reader::connect_to_server(of_pool(options.clone()), access).await?;
                let writer = (access == Access::ReadWrite)
                    .then(|| Writer::Pooled { options: Box::new(options), last_failure: LastFailure::default() });
                Ok(Self::from_parts(reader, None, writer))
            }
            _ => Err(SqlError::Failed(format!(
                "a store's URL begins with sqlite:, postgres:// or mysql://, this one with '{scheme}'"
            ))),
        }
    }

    async fn open_sqlite(url: &str, access: Access) -> Result<Self, SqlError> {
        let writer = match access {
            Access::ReadWrite => {
                let (jobs, last_failure) = writer::start(url.to_owned()).await?;
                let options = Box::new(sqlite_options(url, 1, Access::ReadWrite));
                Some(Writer::Grouped { jobs, options, last_failure })
            }
            Access::ReadOnly => None,
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = u32::try_from(processors.clamp(SQLITE_READERS.0, SQLITE_READERS.1)).unwrap_or(1);
        let reader = Reader::open_file(sqlite_options(url, readers, Access::ReadOnly)).await?;
        Ok(Self::from_parts(reader, Some(Lookups::new(url)), writer))
    }

    fn from_parts(reader: Reader, lookups: Option<Lookups>, writer: Option<Writer>) -> Self {
        Self(Arc::new(Inner { reader, lookups, writer, committed: Notify::new(), handed_over: Mutex::default() }))
    }

    /// Returns the connections for queries outside a transaction, which see everything committed before they began. On a
    /// server engine two connections are left to transactions and to reads by key, however many queries run.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.0.reader
    }

    /// Returns a connection for reads of a few rows by their key, which is faster for those.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup { reader: &self.0.reader, lookups: self.0.lookups.as_ref() }
    }

    /// Begins a read-only transaction that keeps seeing the current state, whatever is committed meanwhile.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, SqlError> {
        let reader = &self.0.reader;
        Ok(match reader.get_database_backend() {
            // In WAL mode a SQLite transaction that only reads sees one state of the file anyway.
            DbBackend::Sqlite => reader.begin_with_config(None, None).await?,
            _ => reader.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?,
        })
    }

    /// Waits for the commit of a transaction that called [`Tx::wake_on_commit`]. A commit since the last wait is not
    /// missed: the call then returns immediately.
    pub async fn committed(&self) {
        self.0.committed.notified().await;
    }

    /// Takes what committed transactions have given to [`Tx::hand_over`] since the last call.
    #[must_use]
    pub fn handed_over(&self) -> HandedOver {
        std::mem::take(&mut *self.0.handed_over.lock())
    }

    /// Passes on what a transaction leaves to others, once it is committed.
    fn pass_on(&self, legacy: Legacy) {
        if !legacy.handed_over.is_empty() {
            let mut all = self.0.handed_over.lock();
            if all.values.len() < MAX_HANDED_OVER {
                all.values.extend(legacy.handed_over);
            } else {
                all.is_incomplete = true;
            }
        }
        if legacy.wake {
            self.0.committed.notify_one();
        }
    }

    /// Runs `act` on `args` in one READ COMMITTED transaction, commits if it returns `Ok` and rolls back if it returns
    /// `Err`. When this returns `Ok`, the commit is on disk.
    ///
    /// After a deadlock or serialization failure the transaction runs again with the same `args`, so `act` must have no
    /// effect outside of its transaction. Dropping the returned future does not stop a transaction that has begun.
    pub async fn write<A, T, E, F>(&self, args: A, act: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        self.write_in(Group::Next, Arc::new((args, act))).await
    }

    /// The same for work that no caller waits for, such as the removal of what is done: on SQLite it waits a moment for a
    /// group of others, so that it costs no flush of its own.
    pub async fn write_without_hurry<A, T, E, F>(&self, args: A, act: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        self.write_in(Group::OfOthers, Arc::new((args, act))).await
    }

    async fn write_in<A, T, E, F>(&self, group: Group, act: Arc<(A, F)>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let mut attempt = 1;
        loop {
            let outcome = match &self.0.writer {
                Some(Writer::Grouped { jobs, .. }) => {
                    let mut group = group;
                    // At most three times: then it has been alone.
                    loop {
                        match self.write_in_group(jobs, Arc::clone(&act), group).await {
                            Ok(outcome) => break outcome,
                            Err(RunAgain(in_group)) => group = in_group,
                        }
                    }
                }
                Some(Writer::Pooled { .. }) => self.write_on_pool(Arc::clone(&act)).await,
                None => Err(SqlError::Failed("this store was opened for reading only".into()).into()),
            };
            match outcome {
                Err(error) if attempt < MAX_ATTEMPTS && matches!(error.sql_error(), Some(SqlError::Busy(_))) => {
                    tracing::debug!(attempt, "the store was busy; the transaction runs again");
                    // In real time, unlike the terms of the business: 2, 4, 8 ms and so on.
                    tokio::time::sleep(Duration::from_millis(1 << attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn write_in_group<A, T, E, F>(
        &self,
        jobs: &Jobs,
        act: Arc<(A, F)>,
        group: Group,
    ) -> Result<Result<T, E>, RunAgain>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let db = self.clone();
        let run: Run = Box::new(move |connection, in_savepoint| {
            Box::pin(async move {
                let begun = if in_savepoint { Tx::savepoint(connection) } else { Ok(Tx::of_group(connection)) };
                let TransactionResult { outcome, group } = run_in(begun, &act).await;
                let reply = move |end: GroupEnd| {
                    let outcome = match (outcome, end) {
                        // It failed in a way that ended its group.
                        (Err(error), _) if group == GroupState::Unknown => Ok(Err(error)),
                        // This job may have read what the others wrote, so even its own refusal no longer counts.
                        (_, GroupEnd::RunAgain(group)) => Err(RunAgain(group)),
                        (Err(error), _) => Ok(Err(error)),
                        (Ok(_), GroupEnd::Failed(error)) => Ok(Err(error.into())),
                        (Ok((value, legacy)), GroupEnd::Committed) => {
                            db.pass_on(legacy);
                            Ok(Ok(value))
                        }
                    };
                    // Fails if the caller has dropped its future, in which case no one needs the outcome.
                    let _ = reply.send(outcome);
                };
                JobResult { group, reply: Box::new(reply) }
            })
        });
        let stopped =
            || Ok(Err(SqlError::Unavailable("the store's writer could not begin a transaction".into()).into()));
        if !jobs.send(run, group).await {
            return stopped();
        }
        answer.await.unwrap_or_else(|_| stopped())
    }

    async fn write_on_pool<A, T, E, F>(&self, act: Arc<(A, F)>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let db = self.clone();
        // On a task of its own: a caller that drops its future must not cancel between a statement and the commit.
        let done = tokio::spawn(async move {
            let run = |connections| async move { run_in(Tx::begin(&connections).await, &act).await };
            let result = db.0.reader.run_transaction(run).await.map_err(|error| E::from(error.into()));
            let outcome = result.and_then(|result| result.outcome);
            db.record_outcome(outcome.as_ref().err().and_then(Retryable::sql_error)).await;
            let (value, legacy) = outcome?;
            db.pass_on(legacy);
            Ok(value)
        });
        done.await.map_err(|error| SqlError::Failed(error.to_string()))?
    }

    /// Records, for readiness, whether a server engine could run a transaction.
    async fn record_outcome(&self, error: Option<&SqlError>) {
        let Some(Writer::Pooled { last_failure, .. }) = &self.0.writer else { return };
        let unavailable = error.filter(|error| matches!(error, SqlError::Unavailable(_)));
        *last_failure.lock() = unavailable.cloned();
        if unavailable.is_some_and(|error| error.to_string().contains("read-only")) {
            // After a failover the former primary is read-only. New connections resolve the host name again and reach
            // the new primary.
            self.0.reader.replace_pool().await;
        }
    }

    /// Applies pending migrations, one process at a time, and returns the names of those that it applied.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<Vec<String>, SqlError> {
        match &self.0.writer {
            // Not on the writer's connection, which may be inside a group's transaction.
            Some(Writer::Grouped { options, .. } | Writer::Pooled { options, .. }) => {
                let mut options = ConnectOptions::clone(options);
                options.max_connections(1);
                migrations::apply::<M>(options).await
            }
            None => Err(SqlError::Failed("this store was opened for reading only".into())),
        }
    }

    /// Checks for readiness that the store can be read and, if the last write failed, that it can be written again.
    pub async fn ping(&self) -> Result<(), SqlError> {
        self.0.reader.ping().await?;
        match &self.0.writer {
            Some(Writer::Grouped { last_failure, .. } | Writer::Pooled { last_failure, .. })
                if last_failure.lock().is_some() =>
            {
                self.probe_writing().await
            }
            _ => Ok(()),
        }
    }

    /// Commits a write that changes nothing.
    async fn probe_writing(&self) -> Result<(), SqlError> {
        self.write((), |tx, ()| {
            Box::pin(async move {
                let sql = match tx.get_database_backend() {
                    // Marks the first page as dirty, so that the commit has to write to the disk.
                    DbBackend::Sqlite => "PRAGMA user_version = 0",
                    _ => "UPDATE seaql_migrations SET applied_at = applied_at",
                };
                tx.execute_unprepared(sql).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Applies the pending migrations of the store at `url`, and returns their names.
pub async fn migrate<M: MigratorTrait>(url: &str) -> Result<Vec<String>, SqlError> {
    Db::open(url, Access::ReadWrite).await?.migrate::<M>().await
}

/// Returns the names of the migrations that [`migrate`] would apply, without applying them.
pub async fn pending_migrations<M: MigratorTrait>(url: &str) -> Result<Vec<String>, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    Ok(migrations::pending::<M, _>(db.reader()).await?)
}

/// The transaction was rolled back with its group for a failure that may be another's, and has to run again in this one.
struct RunAgain(Group);

/// The end of one transaction.
struct TransactionResult<T, E> {
    /// The value that it returned, and what it leaves to others.
    outcome: Result<(T, Legacy), E>,
    /// What it means for the surrounding group; without meaning on a server engine.
    group: GroupState,
}

/// Runs `act` in the transaction that was begun, and ends it.
async fn run_in<A, T, E, F>(begun: Result<Tx, DbErr>, act: &(A, F)) -> TransactionResult<T, E>
where
    E: Retryable,
    F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>>,
{
    let broken =
        |error: DbErr| TransactionResult { outcome: Err(SqlError::from(error).into()), group: GroupState::Unknown };
    let tx = match begun {
        Ok(tx) => tx,
        Err(error) => return broken(error),
    };
    let (args, act) = act;
    match writer::catch_panic(act(&tx, args)).await.map_err(E::from).flatten() {
        Ok(value) => match tx.commit().await {
            Ok(legacy) => TransactionResult { outcome: Ok((value, legacy)), group: GroupState::Sound },
            Err(error) => broken(error),
        },
        Err(error) => {
            let rolled_back = tx.rollback().await;
            if let Err(error) = &rolled_back {
                tracing::warn!(error = %error, "a failed transaction could not be rolled back on its own");
            }
            let is_harmless = !matches!(error.sql_error(), Some(SqlError::Unavailable(_) | SqlError::Failed(_)));
            let group = rolled_back.ok().filter(|_| is_harmless).unwrap_or(GroupState::Unknown);
            TransactionResult { outcome: Err(error), group }
        }
    }
}
