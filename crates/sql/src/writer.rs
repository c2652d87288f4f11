//! SQLite's single writer. It runs waiting transactions one after another, each in its own SAVEPOINT, commits them
//! together, and replies to their callers only then, so that one disk flush serves the whole group.
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

/// Sends the outcome of a job to its caller, given the outcome of the group's commit.
pub(crate) type Reply = Box<dyn FnOnce(Result<(), SqlError>) + Send>;

/// The state in which a job left its savepoint.
pub(crate) struct JobResult {
    /// False if the failure of the job may have rolled back the whole transaction (disk full, I/O error).
    pub group_is_sound: bool,
    /// Called once the group is committed or rolled back.
    pub reply: Reply,
}

/// One caller's transaction, which runs in a savepoint of the group's transaction.
pub(crate) type Job = Box<dyn for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, JobResult> + Send>;

/// The error that kept the last group from being committed; `None` after a commit.
pub(crate) type LastFailure = Arc<Mutex<Option<SqlError>>>;

/// Opens the writer's connection and spawns the writer, which ends when the last sender is dropped.
pub(crate) async fn start(options: ConnectOptions) -> Result<(mpsc::Sender<Job>, LastFailure), SqlError> {
    let connection = Database::connect(options.clone()).await?;
    let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
    let last_failure = LastFailure::default();
    let writer = Writer { options, connection: Some(connection), last_failure: Arc::clone(&last_failure) };
    tokio::spawn(writer.run(receiver));
    Ok((sender, last_failure))
}

struct Writer {
    options: ConnectOptions,
    connection: Option<DatabaseConnection>,
    last_failure: LastFailure,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            let mut replies = Vec::new();
            let committed = self.commit_group(first, &mut jobs, &mut replies).await;
            if let Err(error) = &committed {
                tracing::error!(error = %error, transactions = replies.len(), "a group of transactions was not committed");
                self.close_connection().await;
            }
            *self.last_failure.lock() = committed.clone().err();
            for reply in replies {
                reply(committed.clone());
            }
        }
        self.close_connection().await;
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
        while let Some(job) = next {
            let JobResult { group_is_sound, reply } = job(&group).await;
            replies.push(reply);
            if !group_is_sound {
                group.rollback().await?;
                return Err(SqlError::Busy(
                    "another transaction of the same group failed, and all of them were rolled back".into(),
                ));
            }
            next = if replies.len() < MAX_GROUP { jobs.try_recv().ok() } else { None };
        }
        Ok(group.commit().await?)
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
