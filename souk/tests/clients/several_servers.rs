//! Two discovery servers that replicate to each other: one is killed and started again.

use serde_json::json;
use souk_testkit::eventually;

use crate::{
    EurekaClient,
    Language::{JavaScript, Python},
    ServerProcess, entry, needs_clients,
    server_process::free_port,
};

/// Starts two servers that are each other's peer.
async fn pair() -> (ServerProcess, ServerProcess) {
    let (first, second) = (free_port(), free_port());
    let start = |port: u16, peer: u16| async move {
        let peers = format!("http://127.0.0.1:{peer}/eureka");
        ServerProcess::discovery_at(port, &[("SOUK_DISCOVERY__PEERS", &peers)]).await
    };
    tokio::join!(start(first, second), start(second, first))
}

/// Waits until `server` knows exactly `apps`.
async fn wait_until_known(server: &ServerProcess, apps: &[&str]) {
    let client = server.client.with_header("accept", "application/json");
    eventually(&format!("port {} knows {apps:?}", server.port), || async {
        let answer = client.get("/eureka/apps").await.expect(200);
        let mut known: Vec<_> = answer.json["applications"]["application"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.text))
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_lowercase())
            .collect();
        known.sort();
        known == apps
    })
    .await;
}

#[tokio::test]
async fn clients_continue_with_the_other_server_and_the_first_returns_with_everything() {
    if !needs_clients() {
        return;
    }
    let (mut first, second) = pair().await;
    let urls = [first.url("/eureka"), second.url("/eureka")];
    let mut python = EurekaClient::with_servers(Python, &urls, entry("orders")).await;
    let mut script = EurekaClient::with_servers(JavaScript, &urls, entry("basket")).await;
    for server in [&first, &second] {
        wait_until_known(server, &["basket", "orders"]).await;
    }

    first.kill().await;
    // New clients fail at the first server and use the second.
    let mut late = EurekaClient::with_servers(JavaScript, &urls, entry("late")).await;
    let mut prices = EurekaClient::with_servers(Python, &urls, entry("prices")).await;
    for client in [&mut python, &mut script, &mut late, &mut prices] {
        for app in ["basket", "late", "orders", "prices"] {
            client.wait_for(app, &["UP"]).await;
        }
    }
    // Changes at the remaining server are replicated when the other returns.
    python.script.call("override", json!({"status": "OUT_OF_SERVICE"})).await;
    late.wait_for("orders", &[]).await;
    script.stop().await;
    wait_until_known(&second, &["late", "orders", "prices"]).await;

    first.restart().await;
    wait_until_known(&first, &["late", "orders", "prices"]).await;
    let orders = crate::eureka::wait_for_status(&first, "orders", "OUT_OF_SERVICE").await;
    assert_eq!(orders["overriddenStatus"], "OUT_OF_SERVICE", "{orders:#}");
}

#[tokio::test]
async fn registrations_and_overrides_are_replicated() {
    if !needs_clients() {
        return;
    }
    let (first, second) = pair().await;
    let mut python = EurekaClient::start(Python, &first, entry("orders")).await;
    let mut script = EurekaClient::start(JavaScript, &second, entry("basket")).await;
    python.wait_for("basket", &["UP"]).await;
    script.wait_for("orders", &["UP"]).await;

    python.script.call("override", json!({"status": "OUT_OF_SERVICE"})).await;
    script.wait_for("orders", &[]).await;
    python.script.call("end_override", serde_json::Value::Null).await;
    script.wait_for("orders", &["UP"]).await;
    script.stop().await;
    python.wait_for("basket", &[]).await;
    wait_until_known(&first, &["orders"]).await;
}
