//! SQLite's single writer. It runs waiting transactions one after another, each in its own SAVEPOINT, commits them
//! together, and replies to their callers only then, so that one disk flush serves the whole group. When a group cannot be
//! committed, its transactions run again one by one, so that the one at fault fails alone.
//!
//! After a failed BEGIN, COMMIT or ROLLBACK the transaction state of a connection is unknown, since SQLite may have rolled
//! back automatically. Such a connection is closed and a new one opened.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::mpsc;

use crate::SqlError;

/// Maximum number of transactions that share one commit.
const MAX_GROUP: usize = 64;
/// Number of waiting transactions above which callers wait for room in the queue.
const QUEUE_CAPACITY: usize = 1_024;

/// The end of a group's transaction, as one of its jobs sees it.
#[derive(Clone)]
pub(crate) enum GroupEnd {
    Committed,
    /// The job was alone in its group, so that the failure is its own.
    Failed(SqlError),
    /// Nothing of the group is stored, and any of its jobs may be the cause. Each has to run again alone, so that only the one
    /// at fault fails.
    RolledBackWithOthers,
}

/// Sends the outcome of a job to its caller, given the end of its group.
pub(crate) type Reply = Box<dyn FnOnce(GroupEnd) + Send>;

/// The state in which a job left its savepoint.
pub(crate) struct JobResult {
    /// False if the failure of the job may have rolled back the whole transaction (disk full, I/O error).
    pub group_is_sound: bool,
    /// Called once the group is committed or rolled back.
    pub reply: Reply,
}

/// Runs a job in a savepoint of the group's transaction.
pub(crate) type Run = Box<dyn for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, JobResult> + Send>;

/// One caller's transaction.
pub(crate) struct Job {
    pub run: Run,
    /// True for a job that shares its group with no other.
    pub is_alone: bool,
}

/// The error that kept the last group from being committed; `None` after a commit.
pub(crate) type LastFailure = Arc<Mutex<Option<SqlError>>>;

/// Opens the writer's connection and spawns the writer, which ends when the last sender is dropped.
pub(crate) async fn start(options: ConnectOptions) -> Result<(mpsc::Sender<Job>, LastFailure), SqlError> {
    let connection = Database::connect(options.clone()).await?;
    let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
    let last_failure = LastFailure::default();
    let writer =
        Writer { options, connection: Some(connection), last_failure: Arc::clone(&last_failure), set_aside: None };
    tokio::spawn(writer.run(receiver));
    Ok((sender, last_failure))
}

struct Writer {
    options: ConnectOptions,
    connection: Option<DatabaseConnection>,
    last_failure: LastFailure,
    /// A job that has to be alone and was received while a group was open.
    set_aside: Option<Job>,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = self.next_job(&mut jobs).await {
            let mut replies = Vec::new();
            let committed = self.commit_group(first, &mut jobs, &mut replies).await;
            if let Err(error) = &committed {
                tracing::error!(error = %error, transactions = replies.len(), "a group of transactions was not committed");
                self.close_connection().await;
            }
            *self.last_failure.lock() = committed.clone().err();
            let end = match committed {
                Ok(()) => GroupEnd::Committed,
                Err(error) if replies.len() == 1 => GroupEnd::Failed(error),
                Err(_) => GroupEnd::RolledBackWithOthers,
            };
            for reply in replies {
                reply(end.clone());
            }
        }
        self.close_connection().await;
    }

    async fn next_job(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        match self.set_aside.take() {
            Some(job) => Some(job),
            None => jobs.recv().await,
        }
    }

    async fn commit_group(
        &mut self,
        first: Job,
        jobs: &mut mpsc::Receiver<Job>,
        replies: &mut Vec<Reply>,
    ) -> Result<(), SqlError> {
        // On an error `first` is dropped without running, and its caller sees the reply channel close.
        let group = self.begin().await?;
        let mut next = Some(first);
        while let Some(Job { run, is_alone }) = next {
            let JobResult { group_is_sound, reply } = run(&group).await;
            replies.push(reply);
            if !group_is_sound {
                group.rollback().await?;
                return Err(SqlError::Failed("a transaction failed in a way that may have ended its group's".into()));
            }
            next = if is_alone || replies.len() >= MAX_GROUP { None } else { self.next_of_group(jobs) };
        }
        Ok(group.commit().await?)
    }

    /// Returns a waiting job that may share the current group.
    fn next_of_group(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        let job = jobs.try_recv().ok()?;
        if job.is_alone {
            self.set_aside = Some(job);
            return None;
        }
        Some(job)
    }

    async fn begin(&mut self) -> Result<DatabaseTransaction, SqlError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Database::connect(self.options.clone()).await?,
        };
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let group = connection.begin_with_options(immediate).await;
        self.connection = Some(connection);
        Ok(group?)
    }

    async fn close_connection(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the store did not close cleanly");
        }
    }
}

/// Runs `work` and turns a panic into an error, so that a defect of one caller does not stop the writer for all.
pub(crate) async fn catch_panic<T>(work: BoxFuture<'_, T>) -> Result<T, SqlError> {
    std::panic::AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| SqlError::Failed("the transaction panicked".into()))
}
