//! Status overrides: an instance is taken out of service, and put back.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    EurekaClient,
    Language::{JavaScript, Python},
    ServerProcess, entry,
    eureka::wait_for_status,
    needs_clients,
};

/// Starts a client that knows instances in every state.
async fn witness(server: &ServerProcess) -> EurekaClient {
    let mut entry = entry("witness");
    entry["onlyUp"] = json!(false);
    EurekaClient::start(JavaScript, server, entry).await
}

/// Waits for the next renewal of the instance of `app`.
async fn wait_for_renewal(server: &ServerProcess, app: &str) {
    let renewed =
        || async { wait_for_status(server, app, "OUT_OF_SERVICE").await["leaseInfo"]["lastRenewalTimestamp"].take() };
    let before = renewed().await.as_i64().unwrap();
    eventually(&format!("{app} renews"), || async { renewed().await.as_i64().unwrap() > before }).await;
}

#[tokio::test]
async fn a_python_client_takes_itself_out_of_service_and_comes_back() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut witness = witness(&server).await;
    let mut caller = EurekaClient::start(JavaScript, &server, entry("caller")).await;
    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    caller.wait_for("orders", &["UP"]).await;

    python.script.call("override", json!({"status": "OUT_OF_SERVICE"})).await;
    let seen = witness.wait_for("orders", &["OUT_OF_SERVICE"]).await.remove(0);
    assert_eq!(seen["overridden"], "OUT_OF_SERVICE", "{seen:#}");
    caller.wait_for("orders", &[]).await;
    python.wait_for("orders", &["OUT_OF_SERVICE"]).await;
    let error = python.script.try_call("chosen", json!({"app": "orders", "path": "/"})).await.unwrap_err();
    assert!(error.starts_with("WalkNodeException"), "{error}");
    // Neither a heartbeat nor registering as UP undoes it.
    wait_for_renewal(&server, "orders").await;
    python.script.call("register", Value::Null).await;
    wait_for_renewal(&server, "orders").await;
    assert_eq!(python.errors().await, [""; 0]);

    // Its status is UNKNOWN then: its next heartbeat is refused, and it registers again with its own status.
    python.script.call("end_override", Value::Null).await;
    let seen = witness.wait_for("orders", &["UP"]).await.remove(0);
    assert_eq!(seen["overridden"], "UNKNOWN", "{seen:#}");
    caller.wait_for("orders", &["UP"]).await;
    python.wait_for("orders", &["UP"]).await;
    assert_eq!(python.requests("POST /eureka/apps/ORDERS").await, 3);
}

#[tokio::test]
async fn a_javascript_client_is_taken_out_of_service_and_comes_back() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut witness = witness(&server).await;
    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    let mut script = EurekaClient::start(JavaScript, &server, entry("basket")).await;
    let stored = wait_for_status(&server, "basket", "UP").await;
    let args = |status: &str| {
        json!({
            "url": server.url("/eureka"), "app": "basket", "id": "basket.example:basket:9001",
            "dirty": stored["lastDirtyTimestamp"], "status": status,
        })
    };

    python.script.call("override_other", args("OUT_OF_SERVICE")).await;
    witness.wait_for("basket", &["OUT_OF_SERVICE"]).await;
    script.wait_for("basket", &[]).await;
    python.wait_for("basket", &["OUT_OF_SERVICE"]).await;
    wait_for_renewal(&server, "basket").await;
    assert_eq!(script.events("registered").await, 1);

    python.script.call("end_override_other", args("")).await;
    let seen = witness.wait_for("basket", &["UP"]).await.remove(0);
    assert_eq!(seen["overridden"], "UNKNOWN", "{seen:#}");
    python.wait_for("basket", &["UP"]).await;
    assert_eq!(script.events("registered").await, 2);
}
