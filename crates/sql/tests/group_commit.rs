//! The guarantees of SQLite's writer: groups commit together, and a failure or panic undoes only its own transaction.
//!
//! One file because all of them are about transactions that wait in one queue, and share the way to make them wait.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::join_all, poll};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use souk_sql::{Access, Db, SqlError, Tx};
use tokio::sync::Notify;

async fn open() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = open_in(&folder).await;
    execute(&db, "CREATE TABLE note (id INTEGER PRIMARY KEY, n INTEGER CHECK (n >= 0))").await.unwrap();
    (folder, db)
}

/// Opens the file as another process would.
async fn open_in(folder: &tempfile::TempDir) -> Db {
    Db::open(&format!("sqlite:{}/t.db", folder.path().display()), Access::ReadWrite).await.unwrap()
}

/// Runs transactions that all wait in the writer's queue before it begins the group of the first: until then another
/// process holds the lock of the file.
async fn queued_together<T>(
    folder: &tempfile::TempDir,
    transactions: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let other = open_in(folder).await;
    let locked = Arc::new(Notify::new());
    let release = Arc::new(Notify::new());
    let lock = other.write((Arc::clone(&locked), Arc::clone(&release)), |_, (locked, release)| {
        Box::pin(async move {
            locked.notify_one();
            release.notified().await;
            Ok::<_, SqlError>(())
        })
    });
    let transactions = async {
        locked.notified().await;
        let mut waiting: Vec<_> = transactions.into_iter().map(Box::pin).collect();
        for transaction in &mut waiting {
            // Polled once, it is queued.
            assert!(poll!(transaction).is_pending());
        }
        release.notify_one();
        join_all(waiting).await
    };
    let (lock, outcomes) = tokio::join!(lock, transactions);
    lock.unwrap();
    outcomes
}

/// Executes a statement in a transaction of its own.
async fn execute(db: &Db, sql: &'static str) -> Result<(), SqlError> {
    db.write(sql, |tx, sql| {
        Box::pin(async move {
            tx.execute_unprepared(sql).await?;
            Ok(())
        })
    })
    .await
}

/// Its foreign key is checked at COMMIT.
const CHILD: &str = "CREATE TABLE child (note INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)";

async fn insert(tx: &Tx, id: i64) -> Result<(), SqlError> {
    let sql = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "INSERT INTO note (id, n) VALUES (?, ?)",
        [id.into(), id.into()],
    );
    tx.execute_raw(sql).await?;
    Ok(())
}

async fn ids(db: &Db) -> Vec<i64> {
    let sql = Statement::from_string(DbBackend::Sqlite, "SELECT id FROM note ORDER BY id");
    let rows = db.reader().query_all_raw(sql).await.unwrap();
    rows.iter().map(|row| row.try_get("", "id").unwrap()).collect()
}

#[tokio::test]
async fn concurrent_transactions_are_all_stored_and_each_failure_undoes_only_itself() {
    let (_folder, db) = open().await;
    let outcomes = join_all((0..300_i64).map(|id| {
        db.write(id, |tx, &id| {
            Box::pin(async move {
                insert(tx, id).await?;
                match id % 4 {
                    0 => Ok(()),
                    1 => insert(tx, id).await,  // unique violation after a write
                    2 => insert(tx, -id).await, // CHECK violation after a write
                    _ => panic!("a defect in one transaction"),
                }
            })
        })
    }))
    .await;
    for (id, outcome) in (0_i64..).zip(outcomes) {
        match id % 4 {
            0 => outcome.unwrap(),
            1 => assert!(matches!(outcome, Err(SqlError::Unique(_))), "{id}: {outcome:?}"),
            2 => assert!(matches!(outcome, Err(SqlError::Constraint(_))), "{id}: {outcome:?}"),
            _ => assert!(matches!(outcome, Err(SqlError::Failed(_))), "{id}: {outcome:?}"),
        }
    }
    assert_eq!(ids(&db).await, (0..300).step_by(4).collect::<Vec<i64>>());
}

/// Runs 64 transactions that share a group and of which one also executes `sql`, and returns its error.
async fn assert_poison_fails_alone(sql: &'static str) -> SqlError {
    const POISON: i64 = 30;
    let (folder, db) = open().await;
    execute(&db, CHILD).await.unwrap();
    let transactions = (0..64_i64).map(|id| {
        db.write(id, move |tx, &id| {
            Box::pin(async move {
                insert(tx, id).await?;
                if id == POISON {
                    for statement in sql.split(';') {
                        tx.execute_unprepared(statement).await?;
                    }
                }
                Ok(())
            })
        })
    });
    let mut outcomes = queued_together(&folder, transactions).await;
    let error = outcomes.remove(30).unwrap_err();
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} neighbours failed: {failed:?}", failed.len());
    assert_eq!(ids(&db).await, (0..64).filter(|id| *id != POISON).collect::<Vec<i64>>());
    db.ping().await.unwrap();
    error
}

#[tokio::test]
async fn a_transaction_that_fails_the_commit_of_its_group_fails_alone() {
    // The foreign key is checked at COMMIT, where the group fails as a whole.
    let error = assert_poison_fails_alone("INSERT INTO child VALUES (999)").await;
    assert!(matches!(error, SqlError::Constraint(_)), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_rolls_back_its_group_fails_alone() {
    // SQLite reports exceeding this limit as it reports a full disk.
    let full = "PRAGMA max_page_count = 4;INSERT INTO child VALUES (zeroblob(200000))";
    let error = assert_poison_fails_alone(full).await;
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    let error = assert_poison_fails_alone("SELECT nonsense FROM nowhere").await;
    assert!(error.is_transient(), "{error:?}");
}

/// Runs transactions that share a group, of which those with a number of `refused` fail after they have written. Returns
/// the number of runs of each.
async fn runs_of_a_group_with(refused: &'static [usize]) -> Vec<usize> {
    let (folder, db) = open().await;
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..8).map(|_| AtomicUsize::new(0)).collect());
    let transactions = (0..runs.len()).map(|number| {
        db.write((Arc::clone(&runs), number), move |tx, (runs, number)| {
            Box::pin(async move {
                runs[*number].fetch_add(1, Ordering::SeqCst);
                let id = i64::try_from(*number).unwrap();
                insert(tx, id).await?;
                if refused.contains(number) { insert(tx, id).await } else { Ok(()) }
            })
        })
    });
    let outcomes = queued_together(&folder, transactions).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        let is_refusal = matches!(outcome, Err(SqlError::Unique(_)));
        assert!(if refused.contains(&number) { is_refusal } else { outcome.is_ok() }, "{number}: {outcome:?}");
    }
    let stored: Vec<i64> = (0..8).filter(|id| !refused.contains(&usize::try_from(*id).unwrap())).collect();
    assert_eq!(ids(&db).await, stored);
    runs.iter().map(|runs| runs.load(Ordering::SeqCst)).collect()
}

#[tokio::test]
async fn a_refused_transaction_makes_its_group_run_once_more_and_no_group_twice() {
    assert_eq!(runs_of_a_group_with(&[]).await, [1; 8]);
    assert_eq!(runs_of_a_group_with(&[2]).await, [2, 2, 2, 1, 1, 1, 1, 1]);
    // First in its group, it cannot have read what others wrote.
    assert_eq!(runs_of_a_group_with(&[0]).await, [1; 8]);
    assert_eq!(runs_of_a_group_with(&[2, 3, 5, 7]).await, [2, 2, 2, 1, 2, 2, 2, 2]);
}

#[tokio::test]
async fn several_poisonous_transactions_do_not_use_up_the_attempts_of_their_neighbours() {
    let (_folder, db) = open().await;
    let outcomes = join_all((0..200_i64).map(|id| {
        db.write(id, |tx, &id| {
            Box::pin(async move {
                insert(tx, id).await?;
                assert!(id % 2 == 0, "a defect in every second transaction");
                Ok::<_, SqlError>(())
            })
        })
    }))
    .await;
    for (id, outcome) in (0_i64..).zip(outcomes) {
        assert_eq!(outcome.is_ok(), id % 2 == 0, "{id}: {outcome:?}");
    }
    assert_eq!(ids(&db).await, (0..200).step_by(2).collect::<Vec<i64>>());
}

#[tokio::test]
async fn sixty_four_waiting_transactions_share_a_commit() {
    let (folder, db) = open().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let transactions = (0..65_i64).map(|id| {
        db.write((db.clone(), Arc::clone(&seen), id), |tx, (db, seen, id)| {
            Box::pin(async move {
                insert(tx, *id).await?;
                let committed = ids(db).await.len();
                seen.lock().unwrap().push(committed);
                Ok::<_, SqlError>(())
            })
        })
    });
    let outcomes = queued_together(&folder, transactions).await;
    for outcome in outcomes {
        outcome.unwrap();
    }
    // None of a group sees another one committed; the last one sees them all.
    let expected: Vec<usize> = [0; 64].into_iter().chain([64]).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_transaction_that_runs_alone_is_joined_by_no_other() {
    let (folder, db) = open().await;
    execute(&db, CHILD).await.unwrap();
    let runs_alone = Arc::new(Notify::new());
    let latecomer_waits = Arc::new(Notify::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let poison_waits = (Arc::clone(&runs_alone), Arc::clone(&latecomer_waits), Arc::clone(&runs));
    let poison = db.write(poison_waits, |tx, (runs_alone, latecomer_waits, runs)| {
        Box::pin(async move {
            tx.execute_unprepared("INSERT INTO child VALUES (999)").await?;
            if runs.fetch_add(1, Ordering::SeqCst) == 1 {
                runs_alone.notify_one();
                latecomer_waits.notified().await;
            }
            Ok::<_, SqlError>(())
        })
    });
    let neighbour = db.write((), |tx, ()| Box::pin(async move { insert(tx, 1).await }));
    let both = queued_together(&folder, [neighbour.boxed_local(), poison.boxed_local()]);
    let latecomer = async {
        runs_alone.notified().await;
        let mut latecomer = Box::pin(db.write((), |tx, ()| Box::pin(async move { insert(tx, 2).await })));
        assert!(poll!(&mut latecomer).is_pending());
        latecomer_waits.notify_one();
        latecomer.await
    };
    let (outcomes, latecomer) = tokio::join!(both, latecomer);
    assert!(matches!(outcomes[..], [Ok(()), Err(SqlError::Constraint(_))]), "{outcomes:?}");
    latecomer.unwrap();
    // Once with its neighbour, and once alone: with the latecomer it would run a third time.
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(ids(&db).await, [1, 2]);
}

#[tokio::test]
async fn a_transaction_excludes_those_of_other_processes_from_its_beginning() {
    let (folder, db) = open().await;
    let other = open_in(&folder).await;
    let has_read = Arc::new(Notify::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let first = db.write((Arc::clone(&has_read), Arc::clone(&runs)), |tx, (has_read, runs)| {
        Box::pin(async move {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.execute_unprepared("SELECT COUNT(*) FROM note").await?;
            has_read.notify_one();
            // Time in which the other one would commit, and make what was read here old.
            tokio::time::sleep(Duration::from_millis(100)).await;
            insert(tx, 1).await
        })
    });
    let second = async {
        has_read.notified().await;
        other.write((), |tx, ()| Box::pin(async move { insert(tx, 2).await })).await
    };
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    second.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(ids(&db).await, [1, 2]);
}

#[tokio::test]
async fn a_connection_on_which_a_group_failed_is_not_used_again() {
    let (_folder, db) = open().await;
    execute(&db, "CREATE TEMP TABLE of_connection (n INTEGER)").await.unwrap();
    execute(&db, "INSERT INTO of_connection VALUES (1)").await.unwrap();
    let defect =
        db.write((), |_, ()| Box::pin(async move { if true { panic!("a defect") } else { Ok::<(), SqlError>(()) } }));
    assert!(defect.await.is_err());
    assert!(execute(&db, "INSERT INTO of_connection VALUES (2)").await.is_err());
}

#[tokio::test]
async fn a_dropped_caller_leaves_nothing_half_done() {
    let (_folder, db) = open().await;
    let abandoned = db.write((), |tx, ()| {
        Box::pin(async move {
            insert(tx, 1).await?;
            tokio::task::yield_now().await;
            insert(tx, 2).await
        })
    });
    // Polled once, the call queues its job; then it is dropped.
    assert!(futures::poll!(Box::pin(abandoned)).is_pending());
    db.write((), |tx, ()| Box::pin(async move { insert(tx, 3).await })).await.unwrap();
    let stored = ids(&db).await;
    assert!(stored == [1, 2, 3] || stored == [3], "{stored:?}");
}

#[tokio::test]
async fn a_waiter_for_a_commit_is_woken_after_it() {
    let (_folder, db) = open().await;
    db.write((), |tx, ()| {
        Box::pin(async move {
            tx.wake_on_commit();
            insert(tx, 7).await
        })
    })
    .await
    .unwrap();
    db.committed().await;
    assert_eq!(ids(&db).await, [7]);
}

#[tokio::test]
async fn a_store_opened_for_reading_rejects_writes() {
    let (folder, db) = open().await;
    db.write((), |tx, ()| Box::pin(async move { insert(tx, 5).await })).await.unwrap();
    let reader = Db::open(&format!("sqlite:{}/t.db", folder.path().display()), Access::ReadOnly).await.unwrap();
    assert_eq!(ids(&reader).await, [5]);
    let refused = reader.write((), |tx, ()| Box::pin(async move { insert(tx, 6).await })).await;
    assert!(refused.is_err());
    assert!(Db::open("oracle://x", Access::ReadWrite).await.is_err());
}

#[tokio::test]
async fn transactions_confirmed_after_a_full_disk_are_on_disk() {
    let (folder, db) = open().await;
    let fill = || {
        db.write((), |tx, ()| {
            Box::pin(async move {
                // SQLite reports exceeding this limit as it reports a full disk.
                tx.execute_unprepared("PRAGMA max_page_count = 3").await?;
                tx.execute_unprepared("CREATE TABLE big (b BLOB)").await?;
                tx.execute_unprepared("INSERT INTO big VALUES (zeroblob(200000))").await?;
                Ok::<_, SqlError>(())
            })
        })
    };
    let defect = || {
        db.write((), |_, ()| Box::pin(async move { if true { panic!("a defect") } else { Ok::<(), SqlError>(()) } }))
    };
    let refused = fill().await;
    assert!(matches!(refused, Err(SqlError::Unavailable(_))), "{refused:?}");
    db.ping().await.unwrap();
    for round in 0..5_i64 {
        assert!(defect().await.is_err());
        assert!(fill().await.is_err());
        db.write(round, |tx, &round| Box::pin(async move { insert(tx, round).await })).await.unwrap();
        // Visible to another connection, so it is committed and not only part of the writer's open transaction.
        let other = Db::open(&format!("sqlite:{}/t.db", folder.path().display()), Access::ReadOnly).await.unwrap();
        assert_eq!(ids(&other).await, (0..=round).collect::<Vec<i64>>());
    }
}

struct Migrations;

impl sea_orm_migration::MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        vec![Box::new(TwoTables)]
    }
}

struct TwoTables;

impl sea_orm_migration::MigrationName for TwoTables {
    fn name(&self) -> &'static str {
        "two_tables"
    }
}

#[async_trait::async_trait]
impl sea_orm_migration::MigrationTrait for TwoTables {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm::DbErr> {
        static FIRST: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
        manager.get_connection().execute_unprepared("CREATE TABLE one (id INTEGER)").await?;
        if FIRST.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(sea_orm::DbErr::Custom("killed here".into()));
        }
        manager.get_connection().execute_unprepared("CREATE TABLE two (id INTEGER)").await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_migration_that_stops_half_way_has_done_nothing() {
    let (_folder, db) = open().await;
    assert!(db.migrate::<Migrations>().await.is_err());
    db.migrate::<Migrations>().await.unwrap();
}
