//! SQLite's one writer: runs waiting transactions one after another, each in a SAVEPOINT of its own,
//! commits them together, and only then answers them. One disk flush serves the whole group.

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
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

/// Starts the writer of `connection`; it ends when the last sender is dropped.
pub(crate) fn start(connection: DatabaseConnection) -> mpsc::Sender<Job> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(run(connection, receiver));
    sender
}

async fn run(connection: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut answers = Vec::new();
        let committed = commit_group(&connection, first, &mut jobs, &mut answers).await.map_err(SqlError::from);
        if let Err(error) = &committed {
            tracing::error!(error = %error, transactions = answers.len(), "a group of transactions was not committed");
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the store did not close cleanly");
    }
}

async fn commit_group(
    connection: &DatabaseConnection,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
    answers: &mut Vec<Reply>,
) -> Result<(), DbErr> {
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let group = match connection.begin_with_options(immediate).await {
        Ok(group) => group,
        Err(error) => {
            // The job never ran; dropping it tells its caller that the writer could not begin.
            drop(first);
            return Err(error);
        }
    };
    let mut next = Some(first);
    while let Some(job) = next {
        let ran = job(&group).await;
        answers.push(ran.answer);
        if !ran.group_is_sound {
            group.rollback().await?;
            return Err(DbErr::Custom("a transaction of the same group failed in a way that undid them all".into()));
        }
        next = if answers.len() < GROUP { jobs.try_recv().ok() } else { None };
    }
    group.commit().await
}

/// Runs `work`, turning a panic in it into an error, so that one caller's defect does not stop the writer.
pub(crate) async fn guarded<T>(work: BoxFuture<'_, T>) -> Result<T, SqlError> {
    std::panic::AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| SqlError::Failed("the transaction panicked".into()))
}
