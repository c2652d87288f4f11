//! An instance is taken out of service from outside, and put back.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{
    Eureka,
    Language::{JavaScript, Python},
    Served, entry,
    eureka::has_status,
    needs_clients,
};

/// A witness that sees instances in every state.
async fn witness(server: &Served) -> Eureka {
    let mut entry = entry("witness");
    entry["onlyUp"] = json!(false);
    Eureka::start(JavaScript, server, entry).await
}

/// Waits until the instance of `app` has renewed once more.
async fn renews_again(server: &Served, app: &str) {
    let renewed =
        || async { has_status(server, app, "OUT_OF_SERVICE").await["leaseInfo"]["lastRenewalTimestamp"].take() };
    let before = renewed().await.as_i64().unwrap();
    eventually(&format!("{app} renews"), || async { renewed().await.as_i64().unwrap() > before }).await;
}

#[tokio::test]
async fn a_python_client_takes_itself_out_of_service_and_comes_back() {
    if !needs_clients() {
        return;
    }
    let server = Served::discovery(&[]).await;
    let mut witness = witness(&server).await;
    let mut caller = Eureka::start(JavaScript, &server, entry("caller")).await;
    let mut python = Eureka::start(Python, &server, entry("orders")).await;
    caller.sees("orders", &["UP"]).await;

    python.script.ask("override", json!({"status": "OUT_OF_SERVICE"})).await;
    let seen = witness.sees("orders", &["OUT_OF_SERVICE"]).await.remove(0);
    assert_eq!(seen["overridden"], "OUT_OF_SERVICE", "{seen:#}");
    caller.sees("orders", &[]).await;
    python.sees("orders", &["OUT_OF_SERVICE"]).await;
    let nobody = python.script.try_ask("chosen", json!({"app": "orders", "path": "/"})).await.unwrap_err();
    assert!(nobody.starts_with("WalkNodeException"), "{nobody}");
    // Neither a heartbeat nor registering as UP undoes it.
    renews_again(&server, "orders").await;
    python.script.ask("register", Value::Null).await;
    renews_again(&server, "orders").await;
    assert_eq!(python.errors().await, [""; 0]);

    // Its state is unknown then, its next heartbeat is refused, and it registers with its own.
    python.script.ask("end_override", Value::Null).await;
    let seen = witness.sees("orders", &["UP"]).await.remove(0);
    assert_eq!(seen["overridden"], "UNKNOWN", "{seen:#}");
    caller.sees("orders", &["UP"]).await;
    python.sees("orders", &["UP"]).await;
    assert_eq!(python.requests("POST /eureka/apps/ORDERS").await, 3);
}

#[tokio::test]
async fn a_javascript_client_is_taken_out_of_service_and_comes_back() {
    if !needs_clients() {
        return;
    }
    let server = Served::discovery(&[]).await;
    let mut witness = witness(&server).await;
    let mut python = Eureka::start(Python, &server, entry("orders")).await;
    let mut script = Eureka::start(JavaScript, &server, entry("basket")).await;
    let stored = has_status(&server, "basket", "UP").await;
    let ask = |status: &str| {
        json!({
            "url": server.url("/eureka"), "app": "basket", "id": "basket.example:basket:9001",
            "dirty": stored["lastDirtyTimestamp"], "status": status,
        })
    };

    python.script.ask("override_other", ask("OUT_OF_SERVICE")).await;
    witness.sees("basket", &["OUT_OF_SERVICE"]).await;
    script.sees("basket", &[]).await;
    python.sees("basket", &["OUT_OF_SERVICE"]).await;
    renews_again(&server, "basket").await;
    assert_eq!(script.events("registered").await, 1);

    python.script.ask("end_override_other", ask("")).await;
    let seen = witness.sees("basket", &["UP"]).await.remove(0);
    assert_eq!(seen["overridden"], "UNKNOWN", "{seen:#}");
    python.sees("basket", &["UP"]).await;
    assert_eq!(script.events("registered").await, 2);
}
