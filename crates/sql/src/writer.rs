//! SQLite's single writer. It runs waiting transactions one after another, commits them together, and replies to their
//! callers only then, so that one disk flush serves the whole group.
//!
//! Most transactions succeed, so none pays for being undone alone. When one of a group fails, the whole group is rolled
//! back, and its transactions run again, each in a SAVEPOINT of its own, where another failure undoes nothing but itself.
//! When a group cannot be committed even so, its transactions run again one by one, so that the one at fault fails alone.
//!
//! It has a thread of its own, where all statements of a transaction run in place: a transaction costs its caller one
//! change of threads there and one back. A flush holds up no thread of the runtime.
//!
//! A transaction that is in no hurry costs no flush where others are committed: it waits a moment for their group.
//!
//! After a failed BEGIN, COMMIT or ROLLBACK the transaction state of a connection is unknown, since SQLite may have rolled
//! back automatically. Such a connection is closed and a new one opened.

use std::{
    collections::VecDeque,
    io,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use futures::{FutureExt, executor::block_on, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{Access, SqlError, file::FileConnection};

/// Maximum number of transactions that share one commit.
const MAX_GROUP: usize = 64;
/// Number of waiting transactions above which callers wait for room in the queue.
const QUEUE_CAPACITY: usize = 1_024;
/// Maximum time that a transaction without hurry waits for a group.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// The end of a group's transaction, as one of its jobs sees it.
#[derive(Clone)]
pub(crate) enum GroupEnd {
    Committed,
    /// The job was alone in its group, so that the failure is its own, unless it already failed before.
    Failed(SqlError),
    /// Nothing of the group is stored, and any of its jobs may be the cause. Each has to run again in this group, so that only
    /// the one at fault fails.
    RunAgain(Group),
}

/// Sends the outcome of a job to its caller, given the end of its group.
pub(crate) type Reply = Box<dyn FnOnce(GroupEnd) + Send>;

/// The end of a job.
pub(crate) struct JobResult {
    pub group: GroupState,
    /// Called once the group is committed or rolled back.
    pub reply: Reply,
}

/// The state in which a job left the transaction of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupState {
    /// It has what the job wrote, or nothing of it.
    Sound,
    /// It has a part of what the job wrote, and has to be rolled back.
    HalfDone,
    /// The failure of the job may have rolled back the whole (disk full, I/O error), or a defect left it unknown.
    Unknown,
}

/// Runs a job in the transaction that is open on the connection, in a savepoint if the second argument is true.
pub(crate) type Run = Box<dyn FnOnce(FileConnection, bool) -> BoxFuture<'static, JobResult> + Send>;

/// The group that a transaction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// The next one.
    Next,
    /// One that is committed for others, if there is one soon.
    OfOthers,
    /// One whose jobs run in savepoints.
    WithSavepoints,
    /// One without others.
    Own,
}

/// One caller's transaction.
struct Job {
    run: Run,
    group: Group,
    _place: OwnedSemaphorePermit,
}

/// Sends transactions to a writer. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    sender: mpsc::Sender<Job>,
    places: Arc<Semaphore>,
}

impl Jobs {
    /// Waits for room in the queue of the writer, and sends a transaction. Returns false if the writer has ended.
    pub(crate) async fn send(&self, run: Run, group: Group) -> bool {
        match Arc::clone(&self.places).acquire_owned().await {
            Ok(place) => self.sender.send(Job { run, group, _place: place }).is_ok(),
            Err(_) => false,
        }
    }
}

/// The error that kept the last group from being committed; `None` after a commit.
pub(crate) type LastFailure = Arc<Mutex<Option<SqlError>>>;

/// Opens the file at `url` and starts its writer, which ends when the last sender is dropped.
pub(crate) async fn start(url: String) -> Result<(Jobs, LastFailure), SqlError> {
    let failed = |error: io::Error| SqlError::Unavailable(format!("the store's writer cannot start: {error}"));
    let opened = url.clone();
    let connection = spawn_blocking(move || FileConnection::open(&opened, Access::ReadWrite))
        .await
        .map_err(|error| failed(error.into()))??;
    let (sender, jobs) = mpsc::channel();
    let last_failure = LastFailure::default();
    let writer = Writer {
        url,
        connection: Some(connection),
        last_failure: Arc::clone(&last_failure),
        jobs,
        set_aside: None,
        patient: VecDeque::new(),
        patient_since: Instant::now(),
    };
    // A transaction may need the runtime for more than its statements.
    let runtime = Handle::current();
    let run = move || {
        let _runtime = runtime.enter();
        writer.run();
    };
    thread::Builder::new().name("souk-writer".to_owned()).spawn(run).map_err(failed)?;
    Ok((Jobs { sender, places: Arc::new(Semaphore::new(QUEUE_CAPACITY)) }, last_failure))
}

struct Writer {
    url: String,
    /// `None` after a failure, until the next group.
    connection: Option<FileConnection>,
    last_failure: LastFailure,
    jobs: mpsc::Receiver<Job>,
    /// A job that has to be alone and was received while a group was open.
    set_aside: Option<Job>,
    /// Jobs that wait for the group of others.
    patient: VecDeque<Job>,
    /// Arrival of the first of them.
    patient_since: Instant,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.next_job() {
            let mut replies = Vec::new();
            let ended = self.run_group(first, &mut replies);
            if let Err(error) = &ended {
                tracing::error!(error = %error, transactions = replies.len(), "a group of transactions was not committed");
                self.connection = None;
            }
            *self.last_failure.lock() = ended.as_ref().err().cloned();
            let end = match ended {
                Ok(end) => end,
                Err(error) if replies.len() == 1 => GroupEnd::Failed(error),
                Err(_) => GroupEnd::RunAgain(Group::Own),
            };
            for reply in replies {
                reply(end.clone());
            }
        }
    }

    /// Waits for the first job of a group. Returns `None` when all senders are dropped and nothing waits.
    fn next_job(&mut self) -> Option<Job> {
        if let Some(job) = self.set_aside.take() {
            return Some(job);
        }
        loop {
            let received = if self.patient.is_empty() {
                self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.jobs.recv_timeout(MAX_WAIT.saturating_sub(self.patient_since.elapsed()))
            };
            match received {
                Ok(job) if job.group == Group::OfOthers => {
                    if self.patient.is_empty() {
                        self.patient_since = Instant::now();
                    }
                    self.patient.push_back(job);
                }
                Ok(job) => return Some(job),
                Err(_) => return self.patient.pop_front(),
            }
        }
    }

    /// Runs the jobs of a group and ends its transaction. Errors: it is unknown what became of it.
    fn run_group(&mut self, first: Job, replies: &mut Vec<Reply>) -> Result<GroupEnd, SqlError> {
        // On an error `first` is dropped without running, and its caller sees the reply channel close.
        let connection = self.begin()?;
        let has_savepoints = first.group == Group::WithSavepoints;
        let mut next = Some(first);
        while let Some(Job { run, group, .. }) = next {
            let JobResult { group: state, reply } = block_on(run(connection.clone(), has_savepoints));
            replies.push(reply);
            match state {
                GroupState::Sound => {}
                GroupState::HalfDone => {
                    connection.execute_batch("ROLLBACK")?;
                    let is_alone = replies.len() == 1;
                    let failed = || GroupEnd::Failed(SqlError::Failed("the transaction was rolled back".into()));
                    return Ok(if is_alone { failed() } else { GroupEnd::RunAgain(Group::WithSavepoints) });
                }
                GroupState::Unknown => {
                    // Its connection is closed, which rolls it back.
                    return Err(SqlError::Failed(
                        "a transaction failed in a way that may have ended its group's".into(),
                    ));
                }
            }
            let is_full = group == Group::Own || replies.len() >= MAX_GROUP;
            next = if is_full { None } else { self.next_of_group(has_savepoints) };
        }
        connection.execute_batch("COMMIT")?;
        Ok(GroupEnd::Committed)
    }

    /// Returns a waiting job that may share the current group.
    fn next_of_group(&mut self, has_savepoints: bool) -> Option<Job> {
        match self.jobs.try_recv() {
            Ok(job) if job.group == Group::Own || (job.group == Group::WithSavepoints && !has_savepoints) => {
                self.set_aside = Some(job);
                None
            }
            Ok(job) => Some(job),
            Err(_) => self.patient.pop_front(),
        }
    }

    /// Begins the transaction of a group.
    fn begin(&mut self) -> Result<FileConnection, SqlError> {
        let connection = match &self.connection {
            Some(connection) => connection.clone(),
            None => FileConnection::open(&self.url, Access::ReadWrite)?,
        };
        self.connection = Some(connection.clone());
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(connection)
    }
}

/// Runs `work` and turns a panic into an error, so that a defect of one caller does not stop the writer for all.
pub(crate) async fn catch_panic<T>(work: BoxFuture<'_, T>) -> Result<T, SqlError> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| SqlError::Failed("the transaction panicked".into()))
}
