//! Leases: an instance that renews stays, one that stops renewing is evicted, one that was evicted registers again.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    EurekaClient, Language,
    Language::{JavaScript, Python},
    ServerProcess, entry,
    eureka::wait_for_status,
    needs_clients,
};

/// Returns the settings of an instance whose lease expires 4 s after its last renewal.
fn short_lived(app: &str) -> Value {
    let mut entry = entry(app);
    entry["duration"] = json!(4);
    entry
}

/// Returns the settings of an instance that does not renew during a test.
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
    let server = ServerProcess::discovery(&[]).await;
    let mut clients = Vec::new();
    for (language, app) in [(Python, "orders"), (JavaScript, "basket")] {
        clients.push(EurekaClient::start(language, &server, short_lived(app)).await);
    }
    for app in ["orders", "basket"] {
        let first = wait_for_status(&server, app, "UP").await;
        assert_eq!(first["leaseInfo"]["durationInSecs"], 4);
        // Longer than a lease without renewal lasts even in Netflix's server, which counts the duration twice.
        eventually(&format!("{app} outlives its lease"), || async {
            let lease = wait_for_status(&server, app, "UP").await["leaseInfo"].take();
            assert_eq!(
                lease["registrationTimestamp"], first["leaseInfo"]["registrationTimestamp"],
                "it registered again"
            );
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
async fn an_instance_that_stops_renewing_is_evicted_when_its_lease_expires() {
    if !needs_clients() {
        return;
    }
    for language in [Python, JavaScript] {
        let server = ServerProcess::discovery(&[]).await;
        let mut witness = EurekaClient::start(other(language), &server, entry("witness")).await;
        let mut client = EurekaClient::start(language, &server, short_lived("orders")).await;
        witness.wait_for("orders", &["UP"]).await;
        client.script.kill().await;
        witness.wait_for("orders", &[]).await;
        witness.wait_for("witness", &["UP"]).await;
    }
}

#[tokio::test]
async fn an_instance_that_deregisters_is_removed_immediately() {
    if !needs_clients() {
        return;
    }
    for language in [Python, JavaScript] {
        let server = ServerProcess::discovery(&[]).await;
        let mut witness = EurekaClient::start(other(language), &server, entry("witness")).await;
        let client = EurekaClient::start(language, &server, silent("orders")).await;
        witness.wait_for("orders", &["UP"]).await;
        client.stop().await;
        // Its lease would have lasted 90 s more.
        server.get("/eureka/apps/orders").await.expect(404);
        witness.wait_for("orders", &[]).await;
    }
}

#[tokio::test]
async fn clients_register_again_after_the_server_was_killed() {
    if !needs_clients() {
        return;
    }
    let mut server = ServerProcess::discovery(&[]).await;
    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    let mut script = EurekaClient::start(JavaScript, &server, entry("basket")).await;
    python.wait_for("basket", &["UP"]).await;
    script.wait_for("orders", &["UP"]).await;
    let before = wait_for_status(&server, "orders", "UP").await["leaseInfo"]["registrationTimestamp"].take();

    server.kill().await;
    // While it is down they keep the instances that they know.
    python.script.has_logged("Register error! Will try in next heartbeat").await;
    python.wait_for("basket", &["UP"]).await;
    script.wait_for("orders", &["UP"]).await;

    server.restart().await;
    let after = wait_for_status(&server, "orders", "UP").await["leaseInfo"]["registrationTimestamp"].take();
    assert!(after.as_i64().unwrap() > before.as_i64().unwrap(), "{after} is not after {before}");
    wait_for_status(&server, "basket", "UP").await;
    // Each learns of the other's new registration.
    for (client, app) in [(&mut python, "basket"), (&mut script, "orders")] {
        let since = wait_for_status(&server, app, "UP").await["leaseInfo"]["registrationTimestamp"].take();
        for _ in 0..200 {
            if client.instances(app).await.first().is_some_and(|seen| seen["registered"] == since) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(client.instances(app).await[0]["registered"], since, "{app}");
    }
    assert!(script.events("registered").await >= 2);
}
