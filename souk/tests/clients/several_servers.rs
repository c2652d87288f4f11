//! Two servers of discovery that tell each other everything: one is killed, and comes back.

use serde_json::json;
use souk_testkit::eventually;

use crate::{
    Eureka,
    Language::{JavaScript, Python},
    Served, entry, needs_clients,
    served::free_port,
};

/// Two servers, each other's peer.
async fn pair() -> (Served, Served) {
    let (first, second) = (free_port(), free_port());
    let start = |port: u16, peer: u16| async move {
        let peers = format!("http://127.0.0.1:{peer}/eureka");
        Served::discovery_at(port, &[("SOUK_DISCOVERY__PEERS", &peers)]).await
    };
    tokio::join!(start(first, second), start(second, first))
}

/// Waits until this server knows just these applications.
async fn knows(server: &Served, apps: &[&str]) {
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
async fn clients_go_on_with_the_other_server_and_the_first_comes_back_with_everything() {
    if !needs_clients() {
        return;
    }
    let (mut first, second) = pair().await;
    let urls = [first.url("/eureka"), second.url("/eureka")];
    let mut python = Eureka::with_servers(Python, &urls, entry("orders")).await;
    let mut script = Eureka::with_servers(JavaScript, &urls, entry("basket")).await;
    for server in [&first, &second] {
        knows(server, &["basket", "orders"]).await;
    }

    first.kill().await;
    // Who comes now tries the first in vain.
    let mut late = Eureka::with_servers(JavaScript, &urls, entry("late")).await;
    let mut prices = Eureka::with_servers(Python, &urls, entry("prices")).await;
    for client in [&mut python, &mut script, &mut late, &mut prices] {
        for app in ["basket", "late", "orders", "prices"] {
            client.sees(app, &["UP"]).await;
        }
    }
    // What is done at the one that is left holds.
    python.script.ask("override", json!({"status": "OUT_OF_SERVICE"})).await;
    late.sees("orders", &[]).await;
    script.stop().await;
    knows(&second, &["late", "orders", "prices"]).await;

    first.restart().await;
    knows(&first, &["late", "orders", "prices"]).await;
    let orders = crate::eureka::has_status(&first, "orders", "OUT_OF_SERVICE").await;
    assert_eq!(orders["overriddenStatus"], "OUT_OF_SERVICE", "{orders:#}");
}

#[tokio::test]
async fn what_one_server_is_told_the_other_knows() {
    if !needs_clients() {
        return;
    }
    let (first, second) = pair().await;
    let mut python = Eureka::start(Python, &first, entry("orders")).await;
    let mut script = Eureka::start(JavaScript, &second, entry("basket")).await;
    python.sees("basket", &["UP"]).await;
    script.sees("orders", &["UP"]).await;

    python.script.ask("override", json!({"status": "OUT_OF_SERVICE"})).await;
    script.sees("orders", &[]).await;
    python.script.ask("end_override", serde_json::Value::Null).await;
    script.sees("orders", &["UP"]).await;
    script.stop().await;
    python.sees("basket", &[]).await;
    knows(&first, &["orders"]).await;
}
