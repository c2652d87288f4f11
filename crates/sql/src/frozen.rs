//! Several SQLite files at one instant, for copies of them while another process writes.

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
};

use crate::SqlError;

/// Attempts to lock all files at once.
const MAX_ATTEMPTS: u32 = 20;
/// Pause between two of them, in which a long transaction of the shop may end.
const PAUSE: Duration = Duration::from_millis(250);
/// Milliseconds that one attempt waits for the lock of one file, while the shop waits for those that are held already.
const LOCK_WAIT_MS: i32 = 500;
/// Pages that are copied between two reports of progress.
const PAGES_PER_STEP: i32 = 256;

/// A SQLite file as it was at one instant, whatever is committed to it later. Until it is dropped, its write-ahead log
/// grows with all that is committed.
#[derive(Debug)]
pub struct FrozenFile {
    path: PathBuf,
    reader: Connection,
}

/// Freezes all files at one instant: what one of them has of a transaction that ended, the others have of each that
/// ended before. Blocks the thread.
///
/// Each file is locked for writing, a reading transaction begins on each, and the locks are released: writers wait for
/// some milliseconds. No transaction of a shop spans two files, so none that has one lock waits for another.
///
/// Errors: a file cannot be opened, or is locked for seconds.
pub fn freeze(paths: &[PathBuf]) -> Result<Vec<FrozenFile>, SqlError> {
    let mut attempt = 1;
    loop {
        match try_to_freeze(paths) {
            Err(SqlError::Busy(_)) if attempt < MAX_ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
        thread::park_timeout(PAUSE);
    }
}

fn try_to_freeze(paths: &[PathBuf]) -> Result<Vec<FrozenFile>, SqlError> {
    let open = |path: &PathBuf| {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(path, flags).map_err(failed(path))
    };
    // All are open before the first is locked, so that the locks are held as short as possible.
    let writers: Vec<Connection> = paths.iter().map(open).collect::<Result<_, _>>()?;
    let readers: Vec<Connection> = paths.iter().map(open).collect::<Result<_, _>>()?;
    for (writer, path) in writers.iter().zip(paths) {
        writer.busy_handler(Some(wait)).map_err(failed(path))?;
        writer.execute_batch("BEGIN IMMEDIATE").map_err(failed(path))?;
    }
    let mut frozen = Vec::new();
    for (reader, path) in readers.into_iter().zip(paths) {
        reader.execute_batch("BEGIN").map_err(failed(path))?;
        // The snapshot is taken by the first statement that reads.
        reader.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(failed(path))?;
        frozen.push(FrozenFile { path: path.clone(), reader });
    }
    for (writer, path) in writers.iter().zip(paths) {
        writer.execute_batch("ROLLBACK").map_err(failed(path))?;
    }
    Ok(frozen)
}

/// Waits a millisecond for a lock; SQLite's own handler waits up to a hundred, in which a busy writer takes it again.
fn wait(attempt: i32) -> bool {
    thread::park_timeout(Duration::from_millis(1));
    attempt < LOCK_WAIT_MS
}

impl FrozenFile {
    /// Returns the size of a copy in bytes.
    pub fn bytes(&self) -> Result<u64, SqlError> {
        let number = |pragma: &str| self.reader.query_row(pragma, [], |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count").map_err(failed(&self.path))?;
        let size = number("PRAGMA page_size").map_err(failed(&self.path))?;
        Ok(u64::try_from(pages.saturating_mul(size)).unwrap_or_default())
    }

    /// Copies the file to the new file `target`, checks the copy, and calls `on_progress` with the bytes copied since
    /// the last call. Blocks the thread. The copy is not yet on disk when this returns.
    ///
    /// Errors: the disk is full, or the file is damaged.
    pub fn copy_to(&self, target: &Path, on_progress: &mut dyn FnMut(u64)) -> Result<(), SqlError> {
        let mut copy = Connection::open(target).map_err(failed(target))?;
        // A copy that is cut short is thrown away as a whole: it needs no journal.
        copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(failed(target))?;
        let total = self.bytes()?;
        let backup = Backup::new(&self.reader, &mut copy).map_err(failed(target))?;
        let mut copied = 0;
        loop {
            let step = backup.step(PAGES_PER_STEP).map_err(failed(&self.path))?;
            let progress = backup.progress();
            let pages = u64::try_from(progress.pagecount).unwrap_or_default().max(1);
            let left = u64::try_from(progress.remaining).unwrap_or_default();
            let now = total.saturating_mul(pages.saturating_sub(left)) / pages;
            on_progress(now.saturating_sub(copied));
            copied = now;
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Not by the shop, which writes beside the snapshot.
                _ => thread::park_timeout(Duration::from_millis(10)),
            }
        }
        drop(backup);
        drop(copy);
        check(target)
    }
}

/// Reads the whole of a SQLite file. Errors: it is damaged.
fn check(path: &Path) -> Result<(), SqlError> {
    let connection = Connection::open(path).map_err(failed(path))?;
    let finding: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed(path))?;
    if finding == "ok" { Ok(()) } else { Err(SqlError::Failed(format!("{}: {finding}", path.display()))) }
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> SqlError {
    move |error| {
        let message = format!("{}: {error}", path.display());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqlError::Busy(message),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => SqlError::Failed(message),
            _ => SqlError::Unavailable(message),
        }
    }
}
