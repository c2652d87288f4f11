//! Rows of auth that expire are deleted in time, and no others.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, Statement};
use souk_kit::auth::LISTED_FOR;
use souk_testkit::eventually;
use souk_values::{Clock, Timestamp};

use crate::rig::Rig;

const HOUR: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);

type Expiring = (&'static str, &'static str, &'static str, Duration);

/// Tables that expire, with a row's values but for its key and time, and the age at which the row goes.
const EXPIRING: [Expiring; 6] = [
    ("token_family", "family_id, expires_at, sign_in_epoch, created_at", "0, 0", Duration::ZERO),
    ("refresh_token", "token_hash, expires_at, family_id, created_at", "'f', 0", Duration::ZERO),
    ("known_device", "token_hash, expires_at, user_id", "7", Duration::ZERO),
    ("reset_token", "token_hash, expires_at, user_id", "7", Duration::ZERO),
    ("ended_right", "right_key, ended_at, epoch", "0", LISTED_FOR),
    ("sign_in_failure", "throttle_key, last_failed_at, failures, blocked_until", "1, 0", HOUR),
];

/// Rows of each kind; more than one transaction deletes.
const ROWS: usize = 1_100;

async fn insert(auth: &Rig, expiring: &Expiring, name: &str, at: Timestamp, rows: usize) {
    let (table, columns, rest, _) = *expiring;
    let store = Database::connect(&auth.config.store_url).await.unwrap();
    let rows: Vec<String> = (0..rows).map(|number| format!("('{name}-{number}', {}, {rest})", at.millis())).collect();
    for part in rows.chunks(500) {
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {}", part.join(","));
        store.execute_unprepared(&sql).await.unwrap();
    }
}

async fn count(auth: &Rig, expiring: &Expiring, name: &str) -> usize {
    let (table, columns, ..) = *expiring;
    let key = columns.split(',').next().unwrap();
    let store = Database::connect(&auth.config.store_url).await.unwrap();
    let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {key} LIKE '{name}-%'");
    let row = store.query_one_raw(Statement::from_string(store.get_database_backend(), sql)).await;
    row.unwrap().unwrap().try_get::<i64>("", "n").unwrap().try_into().unwrap()
}

#[tokio::test]
async fn expired_rows_of_every_table_go_and_no_others() {
    let auth = Rig::start().await;
    let now = auth.world.clock.now();
    for expiring in &EXPIRING {
        let kept_from = now.minus(expiring.3);
        insert(&auth, expiring, "old", kept_from.minus(SECOND), ROWS).await;
        // Longer than this test moves the clock.
        insert(&auth, expiring, "new", kept_from.plus(HOUR * 24), 3).await;
    }
    for expiring in &EXPIRING {
        eventually(expiring.0, || async {
            auth.world.clock.advance(SECOND * 60);
            count(&auth, expiring, "old").await == 0
        })
        .await;
    }
    for expiring in &EXPIRING {
        assert_eq!(count(&auth, expiring, "new").await, 3, "{}", expiring.0);
    }
    let metrics = auth.client.get("/metrics").await.text;
    let deleted = "retention_deleted_total{service=\"auth\",job=\"purge_expired\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(deleted)).unwrap();
    assert!(line.parse::<usize>().unwrap() >= ROWS * EXPIRING.len(), "{line}");
}
