//! The guarantees of a store on each engine: always SQLite, with `SOUK_TEST_MODE=engines` PostgreSQL and MySQL as well.
//!
//! One file because every guarantee is proven on the same tables and the same three engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Statement, sea_query::Expr,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait, prelude::*, schema};
use souk_sql::{
    Access, ConnectionCounts, Db, Leadership, NewTable, SqlError, Tx, create_tables, insert_all_or_ignore,
    insert_or_ignore, insert_row, lock_for_update, lock_skip_locked, long_text, newest_page, row_with, rows_with,
    update_rows,
};
use souk_testkit::{Proxy, engine, engine::Stores, eventually, needs_engines, on_engines};
use souk_values::{Page, PageRequest};
use tokio::sync::Barrier;

mod thing {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "thing")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub thing_id: i64,
        pub name: String,
        pub units: i64,
        pub story: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use thing::{ActiveModel, Column, Entity};

struct Things;

impl MigratorTrait for Things {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![create_tables("m0001", things), create_tables("m0002", others)]
    }
}

fn things(engine: DbBackend) -> Vec<NewTable> {
    let things = Table::create()
        .table("thing")
        .col(schema::big_integer("thing_id").primary_key())
        .col(schema::string_len("name", 40))
        .col(schema::big_integer("units"))
        .col(long_text(engine, "story"))
        .check(Check::named("ck_thing_units", Expr::col("units").gte(0)))
        .take();
    vec![NewTable::new(things).unique("uq_thing_name", &["name"]).index("ix_thing_units", &["units"])]
}

fn others(_: DbBackend) -> Vec<NewTable> {
    let others = Table::create().table("other").col(schema::big_integer("other_id").primary_key()).take();
    vec![NewTable::new(others)]
}

/// One empty database per engine, removed at the end of the test.
struct Engines {
    urls: Vec<String>,
    _folder: tempfile::TempDir,
    _stores: Stores,
}

fn engines() -> Engines {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::new();
    let mut urls = vec![format!("sqlite:{}/test.db", folder.path().display())];
    if on_engines() {
        urls.extend([stores.url("order"), stores.url("product")]);
    }
    Engines { urls, _folder: folder, _stores: stores }
}

async fn opened(url: &str) -> Db {
    let db = Db::open(url, Access::ReadWrite).await.unwrap();
    db.migrate::<Things>().await.unwrap();
    db
}

fn row(id: i64, name: &str, units: i64) -> ActiveModel {
    ActiveModel { thing_id: Set(id), name: Set(name.to_owned()), units: Set(units), story: Set("long ago".to_owned()) }
}

async fn insert(db: &Db, row: ActiveModel) -> Result<(), SqlError> {
    db.write(row, |tx, row| {
        Box::pin(async move {
            Entity::insert(row.clone()).exec_without_returning(tx).await?;
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn errors_are_classified() {
    for url in engines().urls {
        let db = opened(&url).await;
        insert(&db, row(1, "one", 1)).await.unwrap();
        let twice = insert(&db, row(2, "one", 1)).await.unwrap_err();
        assert!(matches!(twice, SqlError::Unique(_)), "{url}: {twice}");
        assert!(twice.is_unique("thing.name") || twice.is_unique("uq_thing_name"), "{url}: {twice}");
        let below = insert(&db, row(3, "three", -1)).await.unwrap_err();
        assert!(matches!(below, SqlError::Constraint(_)), "{url}: {below}");
        assert_eq!(Entity::find().all(db.reader()).await.unwrap().len(), 1, "{url}: nothing of a refused one stays");
        // Letters in another case are other letters on every engine.
        insert(&db, row(4, "ONE", 1)).await.unwrap();
    }
}

#[tokio::test]
async fn an_existing_row_is_neither_changed_nor_counted() {
    for url in engines().urls {
        let db = opened(&url).await;
        let inserted = |rows: Vec<ActiveModel>| {
            db.write(rows, |tx, rows| Box::pin(async move { insert_all_or_ignore(tx, rows.clone()).await }))
        };
        assert_eq!(inserted(vec![row(1, "one", 1)]).await.unwrap(), 1, "{url}");
        assert_eq!(inserted(vec![row(1, "one", 7)]).await.unwrap(), 0, "{url}");
        assert_eq!(inserted(vec![row(1, "one", 7), row(2, "two", 2)]).await.unwrap(), 1, "{url}");
        assert_eq!(Entity::find_by_id(1).one(db.reader()).await.unwrap().unwrap().units, 1, "{url}");
    }
}

/// Each statement twice: its text is built for the first, and only the values for the second.
#[tokio::test]
async fn statements_on_one_row_find_and_write_that_row_alone() {
    for url in engines().urls {
        let db = opened(&url).await;
        let done: Result<(), SqlError> = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    for (id, name) in [(1, "one"), (2, "two"), (3, "three")] {
                        insert_row(tx, row(id, name, 10 * id)).await?;
                    }
                    // As a row that was read, none of whose values has changed.
                    let read =
                        thing::Model { thing_id: 4, name: "four".to_owned(), units: 40, story: "long ago".to_owned() };
                    assert!(insert_or_ignore(tx, read.into_active_model()).await?);
                    assert!(!insert_or_ignore(tx, row(4, "four", 41)).await?);
                    // Other columns, in another number and order, are another statement.
                    for (id, units) in [(1, 11), (2, 22)] {
                        let set = ActiveModel { units: Set(units), ..Default::default() };
                        assert_eq!(update_rows(tx, set, &[(Column::ThingId, id.into())]).await?, 1);
                    }
                    let renamed =
                        ActiveModel { name: Set("ONE".to_owned()), story: Set("new".to_owned()), ..Default::default() };
                    let key = [(Column::Units, 11_i64.into()), (Column::ThingId, 1_i64.into())];
                    assert_eq!(update_rows(tx, renamed.clone(), &key).await?, 1);
                    let [units, id] = key;
                    assert_eq!(update_rows(tx, renamed.clone(), &[id, units]).await?, 1);
                    let stale = [(Column::ThingId, 2_i64.into()), (Column::Units, 20_i64.into())];
                    assert_eq!(update_rows(tx, renamed, &stale).await?, 0);
                    Ok(())
                })
            })
            .await;
        done.unwrap();
        let found = async |id: i64| row_with::<Entity>(&db.lookup(), &[(Column::ThingId, id.into())]).await.unwrap();
        let model = |id, name: &str, units, story: &str| {
            Some(thing::Model { thing_id: id, name: name.to_owned(), units, story: story.to_owned() })
        };
        assert_eq!(found(1).await, model(1, "ONE", 11, "new"), "{url}");
        assert_eq!(found(2).await, model(2, "two", 22, "long ago"), "{url}");
        assert_eq!(found(4).await, model(4, "four", 40, "long ago"), "{url}");
        assert_eq!(found(9).await, None, "{url}");
        let with_units =
            async |units: i64| rows_with::<Entity>(db.reader(), &[(Column::Units, units.into())]).await.unwrap();
        assert_eq!(with_units(30).await, [model(3, "three", 30, "long ago").unwrap()], "{url}");
        assert_eq!(with_units(31).await, [], "{url}");
    }
}

#[tokio::test]
async fn a_text_may_be_longer_than_64_kilobytes() {
    for url in engines().urls {
        let db = opened(&url).await;
        let story = "ü".repeat(200_000);
        insert(&db, ActiveModel { story: Set(story.clone()), ..row(1, "one", 1) }).await.unwrap();
        assert_eq!(Entity::find_by_id(1).one(db.reader()).await.unwrap().unwrap().story, story, "{url}");
    }
}

/// Two transactions lock the same two rows in opposite order, which is a deadlock unless they run one after the other.
#[tokio::test]
async fn transactions_in_a_deadlock_are_retried_until_both_have_succeeded() {
    for url in engines().urls {
        let db = opened(&url).await;
        insert(&db, row(1, "one", 0)).await.unwrap();
        insert(&db, row(2, "two", 0)).await.unwrap();
        let is_server = !url.starts_with("sqlite:");
        let both_hold_one = Arc::new(Barrier::new(2));
        let add = |first: i64, second: i64| {
            let args = (first, second, Arc::clone(&both_hold_one));
            db.write(args, move |tx, (first, second, both_hold_one)| {
                Box::pin(async move {
                    add_one(tx, *first).await?;
                    if is_server {
                        // On the first run both wait here with a row each; a run after it does not wait for long.
                        let _ = tokio::time::timeout(Duration::from_millis(500), both_hold_one.wait()).await;
                    }
                    add_one(tx, *second).await
                })
            })
        };
        let (one, other) = tokio::join!(add(1, 2), add(2, 1));
        one.unwrap();
        other.unwrap();
        let units: Vec<i64> = Entity::find().all(db.reader()).await.unwrap().iter().map(|row| row.units).collect();
        assert_eq!(units, [2, 2], "{url}");
    }
}

async fn add_one(tx: &Tx, id: i64) -> Result<(), SqlError> {
    let update = Entity::update_many().col_expr(Column::Units, Expr::col(Column::Units).add(1));
    update.filter(Column::ThingId.eq(id)).exec(tx).await?;
    Ok(())
}

#[tokio::test]
async fn skipping_locked_rows_returns_the_next_ones() {
    for url in engines().urls.into_iter().filter(|url| !url.starts_with("sqlite:")) {
        let db = opened(&url).await;
        for id in 1..=4 {
            insert(&db, row(id, &format!("thing {id}"), 1)).await.unwrap();
        }
        let begin = || db.reader().begin_with_config(Some(sea_orm::IsolationLevel::ReadCommitted), None);
        let one = begin().await.unwrap();
        let other = begin().await.unwrap();
        let two_oldest = || Entity::find().order_by_asc(Column::ThingId).limit(2);
        let ids = |rows: Vec<thing::Model>| rows.iter().map(|row| row.thing_id).collect::<Vec<_>>();
        assert_eq!(ids(lock_skip_locked(two_oldest()).all(&one).await.unwrap()), [1, 2], "{url}");
        assert_eq!(ids(lock_skip_locked(two_oldest()).all(&other).await.unwrap()), [3, 4], "{url}");
        one.rollback().await.unwrap();
        assert_eq!(ids(lock_for_update(two_oldest()).all(&other).await.unwrap()), [1, 2], "{url}");
        other.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    for url in engines().urls {
        assert_eq!(
            souk_sql::pending_migrations::<Things>(&opened_empty(&url).await).await.unwrap(),
            ["m0001", "m0002"],
            "{url}"
        );
        let starts = (0..3).map(|_| souk_sql::migrate::<Things>(&url));
        // One file has one writer at a time; replicas are for engines.
        let applied: Vec<Vec<String>> = if url.starts_with("sqlite:") {
            vec![souk_sql::migrate::<Things>(&url).await.unwrap()]
        } else {
            futures::future::join_all(starts).await.into_iter().map(Result::unwrap).collect()
        };
        let mut all: Vec<String> = applied.concat();
        all.sort();
        assert_eq!(all, ["m0001", "m0002"], "{url}: each by one of them");
        assert!(souk_sql::pending_migrations::<Things>(&url).await.unwrap().is_empty(), "{url}");
    }
}

/// Creates the file of a SQLite store, because opening it for reading does not.
async fn opened_empty(url: &str) -> String {
    drop(Db::open(url, Access::ReadWrite).await.unwrap());
    url.to_owned()
}

/// MySQL commits each change of the schema separately. A process killed between creating the table and recording the
/// migration leaves exactly this state.
#[tokio::test]
async fn a_migration_that_was_killed_half_way_runs_again() {
    for url in engines().urls.into_iter().filter(|url| url.starts_with("mysql:")) {
        let db = opened(&url).await;
        insert(&db, row(1, "one", 1)).await.unwrap();
        db.reader().execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
        db.reader().execute_unprepared("DROP TABLE other").await.unwrap();
        assert_eq!(souk_sql::migrate::<Things>(&url).await.unwrap(), ["m0001", "m0002"]);
        assert_eq!(Entity::find().all(db.reader()).await.unwrap().len(), 1, "what was in it is still there");
    }
}

#[tokio::test]
async fn an_unreachable_engine_is_unavailable_and_its_password_does_not_leak() {
    for url in ["postgres://u:topsecret@127.0.0.1:1/x", "mysql://u:topsecret@127.0.0.1:1/x"] {
        let error = Db::open(url, Access::ReadWrite).await.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("topsecret"));
    }
    let wrong = Db::open("postgres://u:topsecret@h/x?connections=many", Access::ReadWrite).await.unwrap_err();
    assert!(wrong.to_string().contains("connections=many") && !wrong.to_string().contains("topsecret"), "{wrong}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_yet_is_unavailable() {
    if !needs_engines() {
        return;
    }
    for server in [engine::postgres(), engine::mysql()] {
        let error = Db::open(&format!("{server}/there_is_none"), Access::ReadWrite).await.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable(_)), "{error}");
    }
}

#[tokio::test]
async fn a_command_waits_for_an_engine_that_has_no_connection_free() {
    if !needs_engines() {
        return;
    }
    let stores = Stores::new();
    let url = stores.url("order");
    let admin = opened(&url).await;
    let role = format!("{}_narrow", stores.prefix());
    admin.reader().execute_unprepared(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")).await.unwrap();
    let narrow = url.replacen("://postgres@", &format!("://{role}@"), 1);
    assert_ne!(narrow, url);
    let only = Db::open(&narrow, Access::ReadWrite).await.unwrap();
    // It waits longer than a request would.
    let held = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(only);
    });
    let command = Db::open(&narrow, Access::ReadOnly).await.unwrap();
    assert!(held.is_finished());
    command.reader().execute_unprepared("SELECT 1").await.unwrap();
    drop(command);
    admin.reader().execute_unprepared(&format!("DROP ROLE {role}")).await.unwrap();
}

#[tokio::test]
async fn a_cut_connection_fails_its_transaction_and_no_later_one() {
    for url in engines().urls.into_iter().filter(|url| !url.starts_with("sqlite:")) {
        drop(opened(&url).await);
        let proxy = Proxy::to(host_and_port(&url)).await;
        let db = Db::open(&proxy.instead_of(&url), Access::ReadWrite).await.unwrap();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
        let cut = Arc::new(tokio::sync::Notify::new());
        let was_cut = Arc::clone(&cut);
        let slow = db.write((begun, was_cut), |tx, (begun, was_cut)| {
            Box::pin(async move {
                Entity::insert(row(1, "one", 1)).exec_without_returning(tx).await?;
                let first = begun.lock().unwrap().take();
                if let Some(begun) = first {
                    begun.send(()).unwrap();
                    was_cut.notified().await;
                }
                Entity::insert(row(2, "two", 1)).exec_without_returning(tx).await?;
                Ok::<_, SqlError>(())
            })
        });
        let cutting = async {
            begins.await.unwrap();
            proxy.cut();
            cut.notify_one();
        };
        let (outcome, ()) = tokio::join!(slow, cutting);
        let error = outcome.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable(_)), "{url}: {error}");
        insert(&db, row(3, "three", 1)).await.unwrap();
        let ids: Vec<i64> = Entity::find().all(db.reader()).await.unwrap().iter().map(|row| row.thing_id).collect();
        assert_eq!(ids, [3], "{url}: nothing of the transaction that was cut");
    }
}

#[tokio::test]
async fn a_slow_query_is_cancelled_and_others_do_not_wait_behind_it() {
    for url in engines().urls.into_iter().filter(|url| !url.starts_with("sqlite:")) {
        let db = opened(&url).await;
        insert(&db, row(1, "one", 1)).await.unwrap();
        let backend = db.reader().get_database_backend();
        let slow = match backend {
            DbBackend::Postgres => "SELECT CAST(pg_sleep(30) AS text) FROM thing",
            // In short sleeps, between which MariaDB notices the cancellation: of one long sleep it does only every five seconds.
            _ => "SELECT SUM(SLEEP(0.1)) FROM information_schema.collations",
        };
        let scans = join_all((0..20).map(|_| db.reader().query_all_raw(Statement::from_string(backend, slow))));
        let beside = async {
            eventually("the scans run", || async { db.reader().connections().used == 6 }).await;
            let work = async {
                insert(&db, row(2, "two", 1)).await.unwrap();
                assert!(Entity::find_by_id(2).one(&db.lookup()).await.unwrap().is_some());
                db.ping().await.unwrap();
            };
            tokio::time::timeout(Duration::from_secs(2), work).await.expect("they have connections of their own");
        };
        let (outcomes, ()) = tokio::join!(scans, beside);
        let errors: Vec<SqlError> = outcomes.into_iter().map(|outcome| outcome.unwrap_err().into()).collect();
        let too_slow = errors.iter().filter(|error| matches!(error, SqlError::TooSlow(_))).count();
        let refused = errors.iter().filter(|error| matches!(error, SqlError::Unavailable(_))).count();
        assert_eq!((too_slow, refused), (6, 14), "{url}: {errors:?}");
        assert!(db.reader().connections().idle > 0, "{url}: the pool is the same");
    }
}

#[tokio::test]
async fn statements_to_a_silent_engine_time_out_and_later_ones_succeed() {
    for url in engines().urls.into_iter().filter(|url| !url.starts_with("sqlite:")) {
        drop(opened(&url).await);
        let proxy = Proxy::to(host_and_port(&url)).await;
        let db = Db::open(&proxy.instead_of(&url), Access::ReadWrite).await.unwrap();
        insert(&db, row(1, "one", 1)).await.unwrap();
        let sleep = if url.starts_with("postgres") { "SELECT pg_sleep(2)" } else { "SELECT SLEEP(2)" };
        let backend = db.reader().get_database_backend();
        let query = db.reader().query_one_raw(sea_orm::Statement::from_string(backend, sleep));
        let stalling = async {
            // The statement takes two seconds, so it is under way by now.
            tokio::time::sleep(Duration::from_millis(500)).await;
            proxy.stall(true);
        };
        let outcome = tokio::time::timeout(Duration::from_secs(12), async { tokio::join!(query, stalling).0 }).await;
        let error: SqlError = outcome.expect("it times out").unwrap_err().into();
        assert!(matches!(error, SqlError::Unavailable(_)), "{url}: {error}");
        assert_eq!(db.reader().connections(), ConnectionCounts { used: 0, idle: 0 }, "{url}: a new pool");
        let error: SqlError = Entity::find().all(db.reader()).await.unwrap_err().into();
        assert!(matches!(error, SqlError::Unavailable(_)), "{url}: {error}");
        proxy.stall(false);
        assert_eq!(Entity::find().all(db.reader()).await.unwrap().len(), 1, "{url}");
    }
}

fn host_and_port(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

/// A server that rejects writes, like a former primary after a failover.
#[tokio::test]
async fn a_server_that_became_read_only_is_not_ready_until_it_writes_again() {
    for url in engines().urls.into_iter().filter(|url| url.starts_with("postgres")) {
        let database = url.rsplit('/').next().unwrap().to_owned();
        let admin = opened(&url).await;
        let set = |what: &str| format!("ALTER DATABASE {database} {what}");
        admin.reader().execute_unprepared(&set("SET default_transaction_read_only = on")).await.unwrap();
        let db = Db::open(&url, Access::ReadWrite).await.unwrap();
        db.ping().await.unwrap();
        let error = insert(&db, row(1, "one", 1)).await.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable(_)), "{error}");
        assert!(matches!(db.ping().await, Err(SqlError::Unavailable(_))), "what refuses to write is not ready");
        admin.reader().execute_unprepared(&set("RESET default_transaction_read_only")).await.unwrap();
        // PostgreSQL applies the setting to new sessions only, so this works because the pool was replaced.
        insert(&db, row(1, "one", 1)).await.unwrap();
        db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn one_process_has_the_lead_until_it_ends() {
    for url in engines().urls {
        drop(opened(&url).await);
        let first = Leadership::take(&url, "audit").await.unwrap().unwrap();
        assert!(first.is_held().await);
        // A file belongs to one process anyway.
        let second = Leadership::take(&url, "audit").await.unwrap();
        assert_eq!(second.is_some(), url.starts_with("sqlite:"));
        assert!(Leadership::take(&url, "another").await.unwrap().is_some());
        if url.starts_with("postgres:") {
            // The connection with the lock is cut, and another process is faster.
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            opened(&url).await.reader().execute_unprepared(cut).await.unwrap();
            let faster = Leadership::take(&url, "audit").await.unwrap().unwrap();
            assert!(!first.is_held().await && faster.is_held().await);
        }
        drop(first);
        let mut successor = None;
        for _ in 0..100 {
            successor = Leadership::take(&url, "audit").await.unwrap();
            if successor.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(successor.is_some(), "the lock outlives its connection on {url}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_by_key_and_long_lists_are_counted_up_to_a_limit() {
    for url in engines().urls {
        let db = opened(&url).await;
        let rows: Vec<ActiveModel> = (0..7).map(|id| row(id, &format!("n{id}"), id / 2)).collect();
        db.write(rows, |tx, rows| {
            Box::pin(async move {
                Entity::insert_many(rows.clone()).exec_without_returning(tx).await?;
                Ok::<_, SqlError>(())
            })
        })
        .await
        .unwrap();
        let columns = [Column::Units, Column::ThingId];
        let page = async |after| {
            let request = PageRequest { after, ..PageRequest::numbered(0, 3) };
            newest_page(db.reader(), Entity::find().filter(Column::ThingId.gt(0)), &columns, request).await.unwrap()
        };
        let ids = |page: &Page<thing::Model>| page.items.iter().map(|row| row.thing_id).collect::<Vec<_>>();
        let first = page(None).await;
        assert_eq!((ids(&first), first.total, first.total_is_exact), (vec![6, 5, 4], 6, true), "{url}");
        // A newer row moves what page numbers show, and nothing behind a key.
        insert(&db, row(99, "newest", 50)).await.unwrap();
        let second = page(first.next).await;
        assert_eq!((ids(&second), second.next, second.total), (vec![3, 2, 1], None, 7), "{url}");
        let numbered = newest_page(db.reader(), Entity::find(), &columns, PageRequest::numbered(1, 3)).await.unwrap();
        assert_eq!((ids(&numbered), numbered.page), (vec![4, 3, 2], 1), "{url}");

        let many: Vec<ActiveModel> = (1_000..11_000).map(|id| row(id, &format!("m{id}"), 0)).collect();
        db.write(many, |tx, many| {
            Box::pin(async move {
                for rows in many.chunks(1_000) {
                    Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
                }
                Ok::<_, SqlError>(())
            })
        })
        .await
        .unwrap();
        let long = newest_page(db.reader(), Entity::find(), &columns, PageRequest::default()).await.unwrap();
        assert_eq!((long.total, long.total_is_exact), (10_000, false), "{url}");
    }
}
