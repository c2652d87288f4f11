//! SQLite's one writer: runs waiting transactions one after another, each in a SAVEPOINT of its own,
//! commits them together, and only then answers them. One disk flush serves the whole group.
//!
//! After a failed BEGIN, COMMIT or ROLLBACK nobody can say in which transaction a connection is: SQLite
//! may have rolled back by itself. Such a connection is closed and another one opened.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::mpsc;

use crate::SqlError;

/// The most transactions that share one commit.
const GROUP: usize = 64;
/// Transactions that may wait before a caller is held back.
const QUEUE: usize = 1_024;

/// Tells a job's caller how it ended, once the outcome of the group's commit is known.
pub(crate) type Reply = Box<dyn FnOnce(Result<(), SqlError>) + Send>;

/// How a job left its savepoint, and how to answer its caller once the group's fate is known.
pub(crate) struct Ran {
    /// False when the job's failure may have undone the whole transaction (disk full, I/O error).
    pub group_is_sound: bool,
    /// Called with the outcome of the group's commit.
    pub answer: Reply,
}

/// One transaction, to be run in a savepoint of the transaction it is given.
pub(crate) type Job = Box<dyn for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Ran> + Send>;

/// Why the last group was not committed; `None` after one that was.
pub(crate) type LastFailure = Arc<Mutex<Option<SqlError>>>;

/// Opens the writer's connection and starts it; it ends when the last sender is dropped.
pub(crate) async fn start(options: ConnectOptions) -> Result<(mpsc::Sender<Job>, LastFailure), SqlError> {
    let connection = Database::connect(options.clone()).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
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
            let mut answers = Vec::new();
            let committed = self.commit_group(first, &mut jobs, &mut answers).await;
            if let Err(error) = &committed {
                tracing::error!(error = %error, transactions = answers.len(), "a group of transactions was not committed");
                self.give_up_connection().await;
            }
            *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = committed.clone().err();
            for answer in answers {
                answer(committed.clone());
            }
        }
        self.give_up_connection().await;
    }

    async fn commit_group(
        &mut self,
        first: Job,
        jobs: &mut mpsc::Receiver<Job>,
        answers: &mut Vec<Reply>,
    ) -> Result<(), SqlError> {
        // A job that is dropped unrun tells its caller that the writer could not begin.
        let group = self.begin().await?;
        let mut next = Some(first);
        while let Some(job) = next {
            let ran = job(&group).await;
            answers.push(ran.answer);
            if !ran.group_is_sound {
                group.rollback().await?;
                return Err(SqlError::Busy(
                    "a transaction of the same group failed in a way that undid them all".into(),
                ));
            }
            next = if answers.len() < GROUP { jobs.try_recv().ok() } else { None };
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

    async fn give_up_connection(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the store did not close cleanly");
        }
    }
}

/// Runs `work`, turning a panic in it into an error, so that one caller's defect does not stop the writer.
pub(crate) async fn guarded<T>(work: BoxFuture<'_, T>) -> Result<T, SqlError> {
    std::panic::AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| SqlError::Failed("the transaction panicked".into()))
}
