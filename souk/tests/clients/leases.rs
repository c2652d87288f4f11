//! Who renews stays, who falls silent goes, and who is forgotten comes back.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    Eureka, Language,
    Language::{JavaScript, Python},
    Served, entry,
    eureka::has_status,
    needs_clients,
};

/// An instance whose lease is over so soon after its last renewal.
fn short_lived(app: &str) -> Value {
    let mut entry = entry(app);
    entry["duration"] = json!(4);
    entry
}

/// An instance that renews too seldom to be a cause of anything here.
fn silent(app: &str) -> Value {
    let mut entry = entry(app);
    entry["renewal"] = json!(30);
    entry
}

fn other(language: Language) -> Language {
    if language == Python { JavaScript } else { Python }
}

#[tokio::test]
async fn heartbeats_keep_a_short_lease() {
    if !needs_clients() {
        return;
    }
    let server = Served::discovery(&[]).await;
    let mut clients = Vec::new();
    for (language, app) in [(Python, "orders"), (JavaScript, "basket")] {
        clients.push(Eureka::start(language, &server, short_lived(app)).await);
    }
    for app in ["orders", "basket"] {
        let first = has_status(&server, app, "UP").await;
        assert_eq!(first["leaseInfo"]["durationInSecs"], 4);
        // Longer than even the original would let it live without a renewal, which counts the duration twice.
        eventually(&format!("{app} outlives its lease"), || async {
            let lease = has_status(&server, app, "UP").await["leaseInfo"].take();
            assert_eq!(lease["registrationTimestamp"], first["leaseInfo"]["registrationTimestamp"], "it came again");
            let (from, until) = (&lease["registrationTimestamp"], &lease["lastRenewalTimestamp"]);
            until.as_i64().unwrap() - from.as_i64().unwrap() > 9_000
        })
        .await;
    }
    assert_eq!(clients[0].errors().await, [""; 0]);
    assert_eq!(clients[0].requests("POST /eureka/apps/ORDERS").await, 1);
    assert_eq!(clients[1].requests("POST /eureka/apps/basket").await, 1);
    assert!(clients[1].events("heartbeat").await >= 5);
}

#[tokio::test]
async fn who_falls_silent_is_gone_when_its_lease_is_over() {
    if !needs_clients() {
        return;
    }
    for language in [Python, JavaScript] {
        let server = Served::discovery(&[]).await;
        let mut witness = Eureka::start(other(language), &server, entry("witness")).await;
        let mut client = Eureka::start(language, &server, short_lived("orders")).await;
        witness.sees("orders", &["UP"]).await;
        client.script.kill().await;
        witness.sees("orders", &[]).await;
        witness.sees("witness", &["UP"]).await;
    }
}

#[tokio::test]
async fn who_leaves_is_gone_at_once() {
    if !needs_clients() {
        return;
    }
    for language in [Python, JavaScript] {
        let server = Served::discovery(&[]).await;
        let mut witness = Eureka::start(other(language), &server, entry("witness")).await;
        let client = Eureka::start(language, &server, silent("orders")).await;
        witness.sees("orders", &["UP"]).await;
        client.stop().await;
        // Its lease would have been good for 90 s more.
        server.get("/eureka/apps/orders").await.expect(404);
        witness.sees("orders", &[]).await;
    }
}

#[tokio::test]
async fn clients_come_back_by_themselves_after_the_server_was_killed() {
    if !needs_clients() {
        return;
    }
    let mut server = Served::discovery(&[]).await;
    let mut python = Eureka::start(Python, &server, entry("orders")).await;
    let mut script = Eureka::start(JavaScript, &server, entry("basket")).await;
    python.sees("basket", &["UP"]).await;
    script.sees("orders", &["UP"]).await;
    let before = has_status(&server, "orders", "UP").await["leaseInfo"]["registrationTimestamp"].take();

    server.kill().await;
    // While it is away they keep what they know.
    eventually("the Python client has missed it", || {
        let errors = python.script.said();
        async move { errors.contains("Register error! Will try in next heartbeat") }
    })
    .await;
    python.sees("basket", &["UP"]).await;
    script.sees("orders", &["UP"]).await;

    server.restart().await;
    let after = has_status(&server, "orders", "UP").await["leaseInfo"]["registrationTimestamp"].take();
    assert!(after.as_i64().unwrap() > before.as_i64().unwrap(), "{after} is not after {before}");
    has_status(&server, "basket", "UP").await;
    // Both are told of each other anew.
    for (client, app) in [(&mut python, "basket"), (&mut script, "orders")] {
        let since = has_status(&server, app, "UP").await["leaseInfo"]["registrationTimestamp"].take();
        for _ in 0..200 {
            if client.seen(app).await.first().is_some_and(|seen| seen["registered"] == since) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(client.seen(app).await[0]["registered"], since, "{app}");
    }
    assert!(script.events("registered").await >= 2);
}
