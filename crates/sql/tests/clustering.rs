//! A table whose rows move into the index of its key keeps its rows, columns and other indexes.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait, prelude::*, schema};
use souk_sql::{Access, Db, NewTable, SqlError, TableChange, change_table, cluster, create_tables};

struct Before;

impl MigratorTrait for Before {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            create_tables("m1", |_| {
                let steps = Table::create()
                    .table("step")
                    .col(schema::big_integer("task"))
                    .col(schema::big_integer("number"))
                    .col(schema::string_len("cause", 64))
                    .primary_key(Index::create().col("task").col("number"))
                    .take();
                vec![
                    NewTable::new(steps)
                        .unique("uq_step_cause", &["task", "cause"])
                        .index("ix_step_cause", &["cause"])
                        .index("ix_step_number", &["number"]),
                ]
            }),
            change_table("m2", |_| TableChange::new("step").column(schema::string_len_null("note", 16))),
        ]
    }
}

struct After;

impl MigratorTrait for After {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = Before::migrations();
        all.push(cluster("m3", "step", &["ix_step_number"]));
        all
    }
}

async fn texts(db: &Db, sql: &str) -> Result<BTreeSet<String>, sea_orm::DbErr> {
    let rows = db.reader().query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    rows.iter().map(|row| row.try_get("", "text")).collect()
}

async fn execute(db: &Db, sql: &'static str) -> Result<(), SqlError> {
    db.write(sql, |tx, sql| {
        Box::pin(async move {
            tx.execute_unprepared(sql).await?;
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn rows_columns_and_indexes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}/t.db", folder.path().display()), Access::ReadWrite).await.unwrap();
    db.migrate::<Before>().await.unwrap();
    execute(&db, "INSERT INTO step VALUES (2, 1, 'b', NULL), (1, 1, 'a', 'x'), (1, 2, 'c', NULL)").await.unwrap();
    let rows = "SELECT task || number || cause || coalesce(note, '') AS text FROM step";
    let before = texts(&db, rows).await.unwrap();
    assert_eq!(before.len(), 3);

    assert_eq!(db.migrate::<After>().await.unwrap(), ["m3"]);
    assert_eq!(texts(&db, rows).await.unwrap(), before);
    let indexes =
        "SELECT name AS text FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'step'";
    assert_eq!(texts(&db, indexes).await.unwrap(), ["ix_step_cause", "uq_step_cause"].map(str::to_owned).into());
    let duplicate = execute(&db, "INSERT INTO step VALUES (1, 3, 'a', NULL)").await;
    assert!(matches!(duplicate, Err(SqlError::Unique(_))), "{duplicate:?}");
    let same_key = execute(&db, "INSERT INTO step VALUES (1, 2, 'd', NULL)").await;
    assert!(matches!(same_key, Err(SqlError::Unique(_))), "{same_key:?}");
    assert!(texts(&db, "SELECT rowid AS text FROM step").await.is_err(), "rows have no number of their own");
}
