//! Opening and migrating the store.

use souk_sql::{Access, SqlError};
use souk_testkit::CapturedLog;

use super::{Cell, FakeServer, Response, database, one_row, sql};
use crate::store::{
    Maintenance,
    mssql::{
        MssqlStore,
        address::{Address, Encryption},
        migrating,
    },
};

#[tokio::test]
async fn opening_migrates_under_the_lock_in_one_transaction() {
    let server = FakeServer::start().await;
    server.respond(sql::DATABASE, database(0, 1));
    server.respond(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(1))));
    server.respond(sql::MIGRATION_TABLE_ID, one_row(&["table_id"], Cell::Big(None)));
    MssqlStore::open_at(server.address(), Access::ReadWrite).await.unwrap();
    let migrations = sql::MIGRATIONS
        .iter()
        .flat_map(|(_, statements)| statements.iter().copied().chain([sql::RECORD_MIGRATION]).collect::<Vec<_>>());
    let before = [
        sql::DATABASE,
        sql::BEGIN,
        sql::MIGRATION_LOCK,
        sql::MIGRATION_TABLE_ID,
        sql::CREATE_MIGRATION_TABLE,
        sql::APPLIED_MIGRATIONS,
    ];
    let all: Vec<&str> = before.into_iter().chain(migrations).chain([sql::COMMIT]).collect();
    assert_eq!(server.statements(), all);

    server.clear();
    let names = || sql::MIGRATIONS.iter().map(|(name, _)| vec![Cell::Text(Some(name))]).collect();
    for pass in 0..2 {
        server.respond(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(0))));
        server.respond(sql::MIGRATION_TABLE_ID, one_row(&["table_id"], Cell::Big(Some(99))));
        server.respond(sql::APPLIED_MIGRATIONS, Response::Rows(&["migration_name"], names()));
        let pending = if pass == 0 {
            migrating::migrate(&server.address()).await
        } else {
            migrating::pending(&server.address()).await
        };
        assert!(pending.unwrap().is_empty());
    }
    let reads = [sql::MIGRATION_TABLE_ID, sql::APPLIED_MIGRATIONS];
    let migrated = [&[sql::BEGIN, sql::MIGRATION_LOCK], &reads[..], &[sql::COMMIT]].concat();
    assert_eq!(server.statements(), [migrated, reads.to_vec()].concat());
}

#[tokio::test]
async fn nothing_is_migrated_without_the_lock() {
    for code in [-1, -2, -3, -999] {
        let server = FakeServer::start().await;
        server.respond(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(code))));
        let error = migrating::migrate(&server.address()).await.unwrap_err();
        assert!(matches!(error, SqlError::Busy(_)), "{error:?}");
        assert_eq!(server.statements(), [sql::BEGIN, sql::MIGRATION_LOCK]);
    }
}

#[tokio::test]
async fn a_database_with_forced_delayed_durability_is_refused() {
    let server = FakeServer::start().await;
    server.respond(sql::DATABASE, database(1, 2));
    let error = MssqlStore::open_at(server.address(), Access::ReadWrite).await.unwrap_err();
    assert!(error.to_string().contains("DELAYED_DURABILITY"), "{error}");
    assert_eq!(server.statements(), [sql::DATABASE]);
}

#[tokio::test]
async fn options_without_protection_are_warned_about_once() {
    let log = CapturedLog::start(tracing::Level::WARN);
    let server = FakeServer::start().await;
    server.respond(sql::DATABASE, database(1, 0));
    server.respond(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(0))));
    server.respond(sql::MIGRATION_TABLE_ID, one_row(&["table_id"], Cell::Big(Some(99))));
    server.respond(sql::APPLIED_MIGRATIONS, one_row(&["migration_name"], Cell::Text(Some(sql::MIGRATIONS[0].0))));
    let store = MssqlStore::open_at(server.address(), Access::ReadWrite).await.unwrap();
    store.ping().await.unwrap();
    assert!(server.connections() > 1);
    assert_eq!(log.count("encrypt=false: requests"), 1, "{}", log.text());
}

#[test]
fn only_options_without_protection_are_risks() {
    let address = |encryption, trusts_certificate| {
        let url = "mssql://sa:x@host/souk";
        Address { encryption, trusts_certificate, ..Address::parse(url).unwrap() }
    };
    assert_eq!(address(Encryption::All, false).risk(), None);
    for (encryption, trusts_certificate, named) in [
        (Encryption::All, true, &["trust_server_certificate=true"][..]),
        (Encryption::Login, false, &["encrypt=false"]),
        (Encryption::Login, true, &["encrypt=false", "trust_server_certificate=true"]),
    ] {
        let risk = address(encryption, trusts_certificate).risk().unwrap();
        assert!(named.iter().all(|option| risk.contains(option)), "{risk}");
    }
}
