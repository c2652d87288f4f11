//! Secrets appear neither in logs, nor in `Debug`, nor in the store.

use serde_json::json;
use souk_events::{PasswordResetRequested, queue::NOTIFICATION_USERS};
use souk_testkit::CapturedLog;

use crate::rig::{ADMIN_PASSWORD, OPERATOR_SECRET, PASSWORD, Rig, SERVICE_SECRET};

#[tokio::test]
async fn secrets_are_neither_logged_nor_stored() {
    let captured = CapturedLog::start(tracing::Level::TRACE);
    let mut auth = Rig::start().await;
    let ada = auth.register("ada").await;
    auth.login("ada", "a wrong password of ada").await;
    let second = auth.refresh(&ada["refreshToken"]).await.expect(200).json;
    auth.refresh(&ada["refreshToken"]).await;
    auth.client.post("/auth/password/forgot", json!({"email": "ada@example.org"})).await.expect(202);
    souk_testkit::eventually("the mail is sent", async || {
        !auth.world.waiting::<PasswordResetRequested>(&NOTIFICATION_USERS).await.is_empty()
    })
    .await;
    let mail: Vec<PasswordResetRequested> = auth.world.waiting(&NOTIFICATION_USERS).await;
    let body = json!({"token": mail[0].token, "new": "the next password of ada"});
    souk_testkit::eventually("the outbox is empty", async || auth.facts().await.outbox_pending == 0).await;
    let service = json!({"service": "order", "secret": SERVICE_SECRET});
    auth.client.post("/internal/tokens", service).await.expect(200);
    let private = private_key(&auth).await;
    auth.restart_with(|_| ()).await;

    let secrets = [
        PASSWORD,
        ADMIN_PASSWORD,
        "a wrong password of ada",
        SERVICE_SECRET,
        OPERATOR_SECRET,
        ada["refreshToken"].as_str().unwrap(),
        second["refreshToken"].as_str().unwrap(),
        ada["accessToken"].as_str().unwrap(),
        &mail[0].token,
    ];
    let log = captured.text();
    assert!(log.contains("auth"), "the log was captured");
    let stored = everything_stored(&auth).await;
    for secret in secrets {
        assert!(!log.contains(secret), "logged: {secret}");
    }
    assert!(!log.contains(&private), "the signing key is logged");
    for secret in &secrets[..8] {
        let found = stored.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "stored: {secret}");
    }
    assert!(stored.windows(private.len()).any(|window| window == private.as_bytes()), "the search finds what is there");
    auth.client.post("/auth/password/reset", body).await.expect(204);
    let debug = format!("{:?}", auth.config);
    assert!(![ADMIN_PASSWORD, OPERATOR_SECRET].iter().any(|secret| debug.contains(secret)), "{debug}");
}

/// Returns the store's files, or on an engine every row of every table.
async fn everything_stored(auth: &Rig) -> Vec<u8> {
    use sea_orm::{ConnectionTrait as _, Statement};
    if !souk_testkit::on_engines() {
        // Recent writes are only in the write-ahead log.
        let files = ["auth.db", "auth.db-wal"].map(|name| auth.world.folder.path().join(name));
        return files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
    }
    let db = souk_sql::Db::open(&auth.config.store_url, souk_sql::Access::ReadOnly).await.unwrap();
    let query =
        |sql: String| db.reader().query_all_raw(Statement::from_string(db.reader().get_database_backend(), sql));
    let tables =
        query("SELECT table_name AS t FROM information_schema.tables WHERE table_schema = 'public'".to_owned());
    let mut stored = String::new();
    for table in tables.await.unwrap() {
        let table: String = table.try_get("", "t").unwrap();
        for row in query(format!("SELECT CAST(t AS text) AS whole FROM {table} t")).await.unwrap() {
            stored += &row.try_get::<String>("", "whole").unwrap();
        }
    }
    stored.into_bytes()
}

async fn private_key(auth: &Rig) -> String {
    use sea_orm::{ConnectionTrait as _, Statement};
    let db = souk_sql::Db::open(&auth.config.store_url, souk_sql::Access::ReadOnly).await.unwrap();
    let query = Statement::from_string(db.reader().get_database_backend(), "SELECT private_key FROM signing_key");
    db.reader().query_one_raw(query).await.unwrap().unwrap().try_get("", "private_key").unwrap()
}
