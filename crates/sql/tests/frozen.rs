//! Copies of files that are written meanwhile.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use souk_sql::{Access, Db, SqlError, freeze};

/// Number of files, as many as a shop has.
const FILES: usize = 8;

async fn table(path: &Path) -> Db {
    let db = Db::open(&format!("sqlite:{}", path.display()), Access::ReadWrite).await.unwrap();
    let sql = "CREATE TABLE IF NOT EXISTS step (number INTEGER PRIMARY KEY, filling BLOB NOT NULL)";
    db.write((), move |tx, ()| Box::pin(async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }))
        .await
        .map_err(|error: SqlError| error)
        .unwrap();
    db
}

async fn write(db: &Db, number: i64) {
    let sql = format!("INSERT INTO step VALUES ({number}, randomblob(900))");
    db.write(sql, |tx, sql| Box::pin(async move { Ok::<_, SqlError>(tx.execute_unprepared(sql).await.map(drop)?) }))
        .await
        .unwrap();
}

async fn last(path: &Path) -> i64 {
    let db = Db::open(&format!("sqlite:{}", path.display()), Access::ReadOnly).await.unwrap();
    let query = Statement::from_string(
        DbBackend::Sqlite,
        "SELECT coalesce(max(number), 0) AS last, count(*) AS count FROM step",
    );
    let row = db.reader().query_one_raw(query).await.unwrap().unwrap();
    let last: i64 = row.try_get("", "last").unwrap();
    assert_eq!(row.try_get::<i64>("", "count").unwrap(), last, "no step is missing");
    last
}

/// Step n is written to the first file, then to the last, before step n + 1 begins. The files between them take time.
#[tokio::test(flavor = "multi_thread")]
async fn copies_of_files_that_are_written_are_of_one_instant() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..FILES).map(|name| folder.path().join(format!("{name}.db"))).collect();
    let mut stores = Vec::new();
    for path in &paths {
        stores.push(table(path).await);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = {
        let (stores, is_over) = (stores.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut number = 0;
            while !is_over.load(Ordering::SeqCst) {
                number += 1;
                for store in [&stores[0], &stores[FILES - 1]] {
                    write(store, number).await;
                }
            }
            number
        })
    };
    let mut lasts = Vec::new();
    for round in 0..40 {
        let copies: Vec<PathBuf> = (0..FILES).map(|n| folder.path().join(format!("{round}-{n}.copy"))).collect();
        let (sources, targets) = (paths.clone(), copies.clone());
        let copying = tokio::task::spawn_blocking(move || {
            let mut sizes = Vec::new();
            for (file, target) in freeze(&sources).unwrap().iter().zip(targets) {
                let mut reported = 0;
                file.copy_to(&target, &mut |bytes| reported += bytes).unwrap();
                assert_eq!(reported, file.bytes().unwrap());
                sizes.push((std::fs::metadata(target).unwrap().len(), reported));
            }
            sizes
        });
        for (size, reported) in copying.await.unwrap() {
            assert_eq!(size, reported);
        }
        let mut steps = Vec::new();
        for copy in &copies {
            steps.push(last(copy).await);
        }
        assert!([0, 1].contains(&(steps[0] - steps[FILES - 1])), "{steps:?}");
        lasts.push(steps[0]);
        // Not a millisecond's race: the next round begins after another step.
        let before = last(&paths[FILES - 1]).await;
        while last(&paths[FILES - 1]).await == before {
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let written = writer.await.unwrap();
    assert!(lasts.is_sorted_by(|earlier, later| earlier < later), "the writer goes on: {lasts:?}");
    assert!(written >= *lasts.last().unwrap());
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.db");
    assert!(matches!(freeze(std::slice::from_ref(&path)), Err(SqlError::Unavailable(_))));
    std::fs::write(&path, [7; 8_192]).unwrap();
    let refused = freeze(&[path]).unwrap_err();
    assert!(matches!(&refused, SqlError::Failed(text) if text.contains("order.db")), "{refused}");
}
