//! Statements on a SQLite file that run where they are called: the types of their rows, and their errors.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement};
use souk_sql::{Access, Db, Json, SqlError, Tx};

/// The declared types that migrations have on SQLite.
const TABLE: &str = "CREATE TABLE thing (id integer NOT NULL PRIMARY KEY, seen boolean NOT NULL, name varchar(9) NULL,
    facts json_text NULL, body text NOT NULL, weight double NULL, raw blob NULL)";

/// More than 32 bits.
const LARGE: i64 = 1 << 40;

async fn open() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}/t.db", folder.path().display()), Access::ReadWrite).await.unwrap();
    execute(&db, sql(TABLE)).await.unwrap();
    (folder, db)
}

fn sql(text: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, text)
}

async fn execute(db: &Db, statement: Statement) -> Result<u64, SqlError> {
    db.write(statement, |tx, statement| {
        Box::pin(async move { Ok(tx.execute_raw(statement.clone()).await?.rows_affected()) })
    })
    .await
}

async fn insert_samples(db: &Db) {
    let insert = "INSERT INTO thing VALUES (?, ?, ?, ?, ?, ?, ?)";
    let facts = serde_json::json!({"size": "26 cm"});
    let values = [LARGE.into(), true.into(), "Ada".into(), facts.into(), "Tea".into(), 0.5.into(), vec![255_u8].into()];
    execute(db, Statement::from_sql_and_values(DbBackend::Sqlite, insert, values)).await.unwrap();
    let (text, number) = (None::<String>, None::<f64>);
    let json = sea_orm::Value::Json(None);
    let values = [2_i64.into(), false.into(), text.into(), json, "".into(), number.into(), None::<Vec<u8>>.into()];
    execute(db, Statement::from_sql_and_values(DbBackend::Sqlite, insert, values)).await.unwrap();
}

#[derive(Debug, PartialEq, FromQueryResult)]
struct Thing {
    id: i64,
    seen: bool,
    name: Option<String>,
    facts: Option<Json<serde_json::Value>>,
    body: String,
    weight: Option<f64>,
    raw: Option<Vec<u8>>,
}

fn things(rows: &[QueryResult]) -> Vec<Thing> {
    rows.iter().map(|row| Thing::from_query_result(row, "").unwrap()).collect()
}

#[tokio::test]
async fn every_declared_type_is_read_as_it_was_written() {
    let (_folder, db) = open().await;
    insert_samples(&db).await;
    let select = sql("SELECT * FROM thing ORDER BY id DESC");
    let read = db.lookup().query_all_raw(select.clone()).await.unwrap();
    let full = Thing {
        id: LARGE,
        seen: true,
        name: Some("Ada".to_owned()),
        facts: Some(Json(serde_json::json!({"size": "26 cm"}))),
        body: "Tea".to_owned(),
        weight: Some(0.5),
        raw: Some(vec![255]),
    };
    let empty = Thing { id: 2, seen: false, name: None, facts: None, body: String::new(), weight: None, raw: None };
    assert_eq!(things(&read), [full, empty]);
    // As through the driver that other queries use.
    assert_eq!(things(&db.reader().query_all_raw(select.clone()).await.unwrap()), things(&read));
    let within = db.write(select, |tx, select| {
        Box::pin(async move { Ok::<_, SqlError>(things(&tx.query_all_raw(select.clone()).await?)) })
    });
    assert_eq!(within.await.unwrap(), things(&read));
}

#[tokio::test]
async fn columns_are_found_by_number_in_the_order_of_the_select() {
    let (_folder, db) = open().await;
    insert_samples(&db).await;
    let select = sql("SELECT seen, id, body, COUNT(*) OVER (), MAX(id) OVER () AS highest FROM thing ORDER BY id");
    let row = db.lookup().query_one_raw(select).await.unwrap().unwrap();
    let read: (bool, i64, String, i64, i64) = row.try_get_many_by_index().unwrap();
    assert_eq!(read, (false, 2, String::new(), 2, LARGE));
    assert_eq!(row.try_get::<i64>("", "highest").unwrap(), LARGE);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_not_a_missing_value() {
    let (_folder, db) = open().await;
    insert_samples(&db).await;
    for damage in ["facts = '{'", "body = CAST(X'FF' AS TEXT)"] {
        execute(&db, sql(&format!("UPDATE thing SET {damage} WHERE id = 2"))).await.unwrap();
        let rows = db.lookup().query_all_raw(sql("SELECT facts, body FROM thing")).await;
        let fields = |row: &QueryResult| {
            Ok((row.try_get::<Option<Json<serde_json::Value>>>("", "facts")?, row.try_get::<String>("", "body")?))
        };
        let read = rows.and_then(|rows| rows.iter().map(fields).collect::<Result<Vec<_>, DbErr>>());
        assert!(matches!(read.map_err(SqlError::from), Err(SqlError::Failed(_))), "{damage}");
        execute(&db, sql("UPDATE thing SET facts = NULL, body = ''")).await.unwrap();
    }
}

#[tokio::test]
async fn refusals_are_classified_as_those_of_the_other_engines() {
    let (_folder, db) = open().await;
    insert_samples(&db).await;
    let refused = execute(&db, sql("INSERT INTO thing SELECT * FROM thing")).await.unwrap_err();
    assert!(refused.is_unique("thing.id"), "{refused:?}");
    let refused = execute(&db, sql("UPDATE thing SET body = NULL")).await.unwrap_err();
    assert!(matches!(refused, SqlError::Constraint(_)) && !refused.is_transient(), "{refused:?}");
    let refused = execute(&db, sql("SELECT nonsense FROM nowhere")).await.unwrap_err();
    assert!(matches!(refused, SqlError::Unavailable(_)), "{refused:?}");
    let too_large = Statement::from_sql_and_values(DbBackend::Sqlite, "UPDATE thing SET id = ?", [u64::MAX.into()]);
    assert!(matches!(execute(&db, too_large).await, Err(SqlError::Failed(_))));
    assert_eq!(db.lookup().query_all_raw(sql("SELECT 1 FROM thing")).await.unwrap().len(), 2, "nothing was changed");
}

async fn add(tx: &Tx, id: &i64) -> Result<(), SqlError> {
    let insert = "INSERT INTO thing (id, seen, body) VALUES (?, 0, '')";
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, insert, [(*id).into()])).await?;
    tx.hand_over(*id);
    if *id < 0 { Err(SqlError::Constraint("it is refused".to_owned())) } else { Ok(()) }
}

#[tokio::test]
async fn a_transaction_without_hurry_is_committed_with_the_next_one_or_alone() {
    let (_folder, db) = open().await;
    let mut patient = Box::pin(db.write_without_hurry(1_i64, |tx, id| Box::pin(add(tx, id))));
    assert!((&mut patient).now_or_never().is_none());
    db.write(2_i64, |tx, id| Box::pin(add(tx, id))).await.unwrap();
    let committed = db.lookup().query_all_raw(sql("SELECT id FROM thing")).await.unwrap();
    assert_eq!(committed.len(), 2, "the group of the one in a hurry had both");
    patient.await.unwrap();
    let alone = db.write_without_hurry(3_i64, |tx, id| Box::pin(add(tx, id)));
    tokio::time::timeout(Duration::from_secs(5), alone).await.unwrap().unwrap();
    let refused = db.write_without_hurry(3_i64, |tx, id| Box::pin(add(tx, id))).await;
    assert!(matches!(refused, Err(SqlError::Unique(_))), "{refused:?}");
}

#[tokio::test]
async fn what_committed_transactions_hand_over_is_taken_once() {
    let (_folder, db) = open().await;
    for id in [1_i64, -2, 3] {
        let outcome = db.write(id, |tx, id| Box::pin(add(tx, id))).await;
        assert_eq!(outcome.is_ok(), id > 0);
    }
    let handed = db.handed_over();
    let values: Vec<i64> = handed.values.into_iter().map(|value| *value.downcast::<i64>().unwrap()).collect();
    assert_eq!((values, handed.is_incomplete), (vec![1, 3], false));
    assert!(db.handed_over().values.is_empty());
    db.committed().await;
}

#[tokio::test]
async fn too_much_that_is_not_taken_is_not_kept() {
    let (_folder, db) = open().await;
    for _ in 0..5 {
        db.write((), |tx, ()| {
            Box::pin(async move {
                for number in 0..1_000_i64 {
                    tx.hand_over(number);
                }
                Ok::<_, SqlError>(())
            })
        })
        .await
        .unwrap();
    }
    assert!(!db.handed_over().is_incomplete);
    for _ in 0..6 {
        db.write((), |tx, ()| {
            Box::pin(async move {
                (0..1_000_i64).for_each(|number| tx.hand_over(number));
                Ok::<_, SqlError>(())
            })
        })
        .await
        .unwrap();
    }
    let handed = db.handed_over();
    assert!(handed.is_incomplete && handed.values.len() < 6_000);
    assert!(!db.handed_over().is_incomplete, "only what follows counts again");
}
