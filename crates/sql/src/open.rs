//! A store: opened by its URL, read from a pool, written through transactions.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    Reader, Retryable, SqlError, Tx, migrating,
    options::{server_options, sqlite_options},
    writer::{self, Job, LastFailure, Ran},
};

/// How often a transaction that met a deadlock or serialization failure is run before giving up.
const ATTEMPTS: u32 = 8;
/// SQLite's connections that read at the same time.
const READERS: u32 = 4;

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes; a SQLite file that is missing is made.
    ReadWrite,
    /// Reads only: the operator's commands, beside a running shop or not.
    ReadOnly,
}

/// An open store. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: Reader,
    writer: Option<Writer>,
    committed: Notify,
}

#[derive(Debug)]
enum Writer {
    /// SQLite: one connection, commits in groups.
    Grouped { jobs: mpsc::Sender<Job>, options: Box<ConnectOptions>, last_failure: LastFailure },
    /// PostgreSQL, MySQL: transactions side by side on the pool.
    Pooled { options: Box<ConnectOptions>, last_failure: LastFailure },
}

impl Db {
    /// Opens the store at `url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. A server engine is given
    /// up to eight connections, or as many as `connections=N` in the URL's query says.
    ///
    /// Errors: a scheme that is none of these, or an engine that does not answer.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" => Self::open_sqlite(url, access).await,
            "postgres" | "postgresql" | "mysql" => {
                let options = server_options(url)?;
                let reader = Reader::of_server(options.clone()).await?;
                let writer = (access == Access::ReadWrite)
                    .then(|| Writer::Pooled { options: Box::new(options), last_failure: LastFailure::default() });
                Ok(Self::from_parts(reader, writer))
            }
            _ => Err(SqlError::Failed(format!(
                "a store's URL begins with sqlite:, postgres:// or mysql://, this one with '{scheme}'"
            ))),
        }
    }

    async fn open_sqlite(url: &str, access: Access) -> Result<Self, SqlError> {
        let writer = match access {
            Access::ReadWrite => {
                let options = sqlite_options(url, 1, Access::ReadWrite);
                let (jobs, last_failure) = writer::start(options.clone()).await?;
                Some(Writer::Grouped { jobs, options: Box::new(options), last_failure })
            }
            Access::ReadOnly => None,
        };
        let reader = Reader::of_file(sqlite_options(url, READERS, Access::ReadOnly)).await?;
        Ok(Self::from_parts(reader, writer))
    }

    fn from_parts(reader: Reader, writer: Option<Writer>) -> Self {
        Self(Arc::new(Inner { reader, writer, committed: Notify::new() }))
    }

    /// Where queries outside a transaction run. They see what was committed before they began.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.0.reader
    }

    /// A read-only transaction that sees the store as it is now, whatever is committed meanwhile.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, SqlError> {
        let reader = &self.0.reader;
        Ok(match reader.get_database_backend() {
            // A SQLite transaction that only reads sees one state of the file.
            DbBackend::Sqlite => reader.begin_with_config(None, None).await?,
            _ => reader.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?,
        })
    }

    /// Waits until a transaction that called [`Tx::wake_on_commit`] has committed. One that commits
    /// while nobody waits is not missed.
    pub async fn committed(&self) {
        self.0.committed.notified().await;
    }

    /// Runs `act` in one READ COMMITTED transaction, commits on `Ok`, rolls back on `Err`.
    ///
    /// `args` is what `act` works on; it is lent again when a deadlock or serialization failure makes
    /// the transaction run anew, so `act` must have no effect but through its transaction. A caller that
    /// goes away does not stop a transaction that has begun. `Ok` means on disk.
    pub async fn write<A, T, E, F>(&self, args: A, act: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let act = Arc::new((args, act));
        let mut attempt = 1;
        loop {
            let outcome = match &self.0.writer {
                Some(Writer::Grouped { jobs, .. }) => self.write_grouped(jobs, Arc::clone(&act)).await,
                Some(Writer::Pooled { .. }) => self.write_pooled(Arc::clone(&act)).await,
                None => Err(SqlError::Failed("this store was opened for reading only".into()).into()),
            };
            match outcome {
                Err(error) if attempt < ATTEMPTS && matches!(error.sql(), Some(SqlError::Busy(_))) => {
                    tracing::debug!(attempt, "the store was busy; the transaction runs again");
                    // Engine back-off in real time: 2, 4, 8 … ms; nothing of the business waits on it.
                    tokio::time::sleep(Duration::from_millis(1 << attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn write_grouped<A, T, E, F>(&self, jobs: &mpsc::Sender<Job>, act: Arc<(A, F)>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let db = self.clone();
        let job: Job = Box::new(move |group| {
            Box::pin(async move {
                let Done { outcome, is_sound } = run_in(group, &act, None).await;
                let reply = move |committed: Result<(), SqlError>| {
                    let outcome = match (outcome, committed) {
                        // What this one did or was refused for rested on work that was undone.
                        (_, Err(error @ SqlError::Unavailable(_))) if is_sound => Err(error.into()),
                        (_, Err(error)) if is_sound => Err(SqlError::Busy(error.to_string()).into()),
                        (Err(error), _) => Err(error),
                        (Ok(_), Err(error)) => Err(error.into()),
                        (Ok((value, wake)), Ok(())) => {
                            if wake {
                                db.0.committed.notify_one();
                            }
                            Ok(value)
                        }
                    };
                    // A caller that went away no longer wants to know.
                    let _ = reply.send(outcome);
                };
                Ran { group_is_sound: is_sound, answer: Box::new(reply) }
            })
        });
        let stopped = || SqlError::Unavailable("the store's writer could not begin a transaction".into());
        jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    async fn write_pooled<A, T, E, F>(&self, act: Arc<(A, F)>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: Retryable,
        F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let db = self.clone();
        // On a task of its own, so that a caller who goes away cannot drop it between statement and commit.
        let done = tokio::spawn(async move {
            let run =
                |connections| async move { run_in(&connections, &act, Some(IsolationLevel::ReadCommitted)).await };
            let done = db.0.reader.transacting(run).await.map_err(|error| E::from(error.into()));
            let outcome = done.and_then(|done| done.outcome);
            db.note_outcome(outcome.as_ref().err().and_then(Retryable::sql)).await;
            let (value, wake) = outcome?;
            if wake {
                db.0.committed.notify_one();
            }
            Ok(value)
        });
        done.await.map_err(|error| SqlError::Failed(error.to_string()))?
    }

    /// Remembers, for readiness, whether a server engine took a transaction.
    async fn note_outcome(&self, error: Option<&SqlError>) {
        let Some(Writer::Pooled { last_failure, .. }) = &self.0.writer else { return };
        let away = error.filter(|error| matches!(error, SqlError::Unavailable(_)));
        *last_failure.lock().unwrap_or_else(PoisonError::into_inner) = away.cloned();
        if away.is_some_and(|error| error.to_string().contains("read-only")) {
            // It was the primary and is none any more; who asks for it anew is led to the one that is.
            self.0.reader.renew().await;
        }
    }

    /// Brings the store's tables up to date, one process at a time. Answers the names of what was applied.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<Vec<String>, SqlError> {
        match &self.0.writer {
            // On connections of its own: the writer's is the writer's.
            Some(Writer::Grouped { options, .. } | Writer::Pooled { options, .. }) => {
                let mut options = ConnectOptions::clone(options);
                options.max_connections(1);
                migrating::apply::<M>(options).await
            }
            None => Err(SqlError::Failed("this store was opened for reading only".into())),
        }
    }

    /// Whether the store can be read, and could be written when it last was; for readiness.
    pub async fn ping(&self) -> Result<(), SqlError> {
        self.0.reader.ping().await?;
        match &self.0.writer {
            Some(Writer::Grouped { last_failure, .. } | Writer::Pooled { last_failure, .. })
                if failed(last_failure) =>
            {
                self.probe().await
            }
            _ => Ok(()),
        }
    }

    /// Writes what is there already, to see whether writing works again.
    async fn probe(&self) -> Result<(), SqlError> {
        self.write((), |tx, ()| {
            Box::pin(async move {
                let sql = match tx.get_database_backend() {
                    // Marks the first page as changed, so that the commit must reach the disk.
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

fn failed(last_failure: &LastFailure) -> bool {
    last_failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// How a transaction went.
struct Done<T, E> {
    /// What it answers, and whether somebody is to be woken.
    outcome: Result<(T, bool), E>,
    /// False when its own failure, or the failure to undo it, may have undone what surrounds it.
    is_sound: bool,
}

async fn run_in<C, A, T, E, F>(connection: &C, act: &(A, F), isolation: Option<IsolationLevel>) -> Done<T, E>
where
    C: TransactionTrait<Transaction = DatabaseTransaction>,
    E: Retryable,
    F: for<'t> Fn(&'t Tx, &'t A) -> BoxFuture<'t, Result<T, E>>,
{
    let broken = |error: DbErr| Done { outcome: Err(SqlError::from(error).into()), is_sound: false };
    let tx = match connection.begin_with_config(isolation, None).await {
        Ok(transaction) => Tx::new(transaction),
        Err(error) => return broken(error),
    };
    let (args, act) = act;
    match writer::guarded(act(&tx, args)).await.map_err(E::from).flatten() {
        Ok(value) => match tx.commit().await {
            Ok(wake) => Done { outcome: Ok((value, wake)), is_sound: true },
            Err(error) => broken(error),
        },
        Err(error) => {
            let undone = tx.rollback().await;
            if let Err(error) = &undone {
                tracing::warn!(error = %error, "a failed transaction could not be rolled back by itself");
            }
            let is_harmless = !matches!(error.sql(), Some(SqlError::Unavailable(_) | SqlError::Failed(_)));
            Done { outcome: Err(error), is_sound: undone.is_ok() && is_harmless }
        }
    }
}
