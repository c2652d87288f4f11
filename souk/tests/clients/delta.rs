//! Clients that fetch only the changes.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    EurekaClient,
    Language::{JavaScript, Python},
    ServerProcess, entry, needs_clients,
};

/// Returns the settings of a second instance of `app`.
fn second(app: &str) -> Value {
    let mut entry = entry(app);
    entry["id"] = json!(format!("{app}.example:{app}:9002"));
    entry["port"] = json!(9002);
    entry["renewal"] = json!(30);
    entry
}

#[tokio::test]
async fn javascript_follows_by_changes_alone() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut follower = entry("follower");
    follower["delta"] = json!(true);
    let mut follower = EurekaClient::start(JavaScript, &server, follower).await;
    follower.wait_for("follower", &["UP"]).await;

    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    follower.wait_for("orders", &["UP"]).await;
    python.script.call("override", json!({"status": "OUT_OF_SERVICE"})).await;
    let seen = follower.wait_for("orders", &["OUT_OF_SERVICE"]).await.remove(0);
    assert_eq!(seen["action"], "MODIFIED", "{seen:#}");
    python.stop().await;
    follower.wait_for("orders", &[]).await;
    follower.wait_for("follower", &["UP"]).await;
    assert_eq!(follower.requests("GET /eureka/apps/").await, 1);
    assert!(follower.requests("GET /eureka/apps/delta").await >= 3);
}

#[tokio::test]
async fn python_follows_by_changes_alone_where_it_knows_the_application() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut follower = EurekaClient::start(Python, &server, entry("orders")).await;
    follower.wait_for("orders", &["UP"]).await;
    let base = json!({"url": server.url("/eureka")});
    let before = follower.script.call("delta", base.clone()).await;

    let script = EurekaClient::start(JavaScript, &server, second("orders")).await;
    follower.wait_for("orders", &["UP", "UP"]).await;
    script.stop().await;
    follower.wait_for("orders", &["UP"]).await;
    // Its hash of instance counts agreed with the server's each time, otherwise it would have fetched all again.
    assert_eq!(follower.requests("GET /eureka/apps/").await, 1);
    assert_eq!(follower.errors().await, [""; 0]);

    let after = follower.script.call("delta", base).await;
    assert_eq!((&before["hash"], &after["hash"]), (&json!("UP_1_"), &json!("UP_1_")));
    assert_ne!(before["version"], after["version"]);
    let actions: Vec<_> =
        after["instances"].as_array().unwrap().iter().map(|one| (&one["id"], &one["action"])).collect();
    assert!(actions.contains(&(&json!("orders.example:orders:9002"), &json!("DELETED"))), "{actions:?}");
}

#[tokio::test]
async fn python_fetches_all_when_an_application_is_new_to_it() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut follower = EurekaClient::start(Python, &server, entry("orders")).await;
    let script = EurekaClient::start(JavaScript, &server, second("basket")).await;
    // It ignores changes of an application that it does not know; the hash then shows that something is missing.
    follower.wait_for("basket", &["UP"]).await;
    assert!(follower.requests("GET /eureka/apps/").await >= 2);
    script.stop().await;
    follower.wait_for("basket", &[]).await;
    eventually("it accepts the changes again", || {
        let log = follower.script.log();
        async move { !log.contains("Traceback") }
    })
    .await;
    assert_eq!(follower.errors().await, [""; 0]);
}
