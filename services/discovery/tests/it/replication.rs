//! Servers that tell each other.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get};
use serde_json::json;
use souk_discovery::DiscoveryConfig;
use souk_testkit::{Client, World, eventually};
use souk_values::Secret;
use tokio::{net::TcpListener, sync::Notify};

use crate::rig::{Server, config, instance, listener, serve, serve_on, with_peers};

/// Two servers, each the other's peer and knowing itself by its own name.
async fn pair(world: &World) -> (Server, Server, [SocketAddr; 2]) {
    let (one, two) = (listener().await, listener().await);
    let both = [one.local_addr().unwrap(), two.local_addr().unwrap()];
    let of = |own: SocketAddr| DiscoveryConfig { hostname: own.to_string(), ..with_peers(&both) };
    (serve_on(world, of(both[0]), one).await, serve_on(world, of(both[1]), two).await, both)
}

#[tokio::test]
async fn everything_a_client_does_is_told() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    one.register("shop", "a").await;
    two.register("shop", "b").await;
    for server in [&one, &two] {
        server.until("a UP, b UP").await;
    }
    two.put("apps/shop/a/status?value=OUT_OF_SERVICE").await.expect(200);
    one.until("a OUT_OF_SERVICE, b UP").await;
    one.delete("apps/shop/a/status?value=UP").await.expect(200);
    two.until("a UP, b UP").await;
    one.put("apps/shop/b/metadata?colour=red").await.expect(200);
    eventually("the metadata is told", || async {
        two.get("apps/shop/b").await.json["instance"]["metadata"]["colour"] == "red"
    })
    .await;
    two.delete("apps/shop/a").await.expect(200);
    one.until("b UP").await;
    let status = one.get("status").await.json["status"]["applicationStats"].clone();
    assert_eq!(status["available-replicas"], format!("http://{}/eureka", two.running.address));
    assert_eq!(status["unavailable-replicas"], "");
}

#[tokio::test]
async fn what_a_peer_tells_is_not_told_again() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    let peer = one.client.with_header("x-netflix-discovery-replication", "true");
    peer.post("/eureka/apps/shop", instance("shop", "told")).await.expect(204);
    one.until("told UP").await;
    // What is told after it arrives, and it does not.
    one.register("shop", "z").await;
    two.until("z UP").await;
}

#[tokio::test]
async fn a_heartbeat_heals_what_a_peer_lacks() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    one.register("shop", "a").await;
    two.until("a UP").await;
    // Gone over there alone, as after an eviction.
    let peer = two.client.with_header("x-netflix-discovery-replication", "true");
    peer.delete("/eureka/apps/shop/a").await.expect(200);
    two.until("").await;
    one.put("apps/shop/a").await.expect(200);
    two.until("a UP").await;
    // The other one knows something newer: it is taken over.
    let mut newer = instance("shop", "a");
    newer["instance"]["lastDirtyTimestamp"] = 5_000.into();
    newer["instance"]["hostName"] = "moved".into();
    peer.post("/eureka/apps/shop", newer).await.expect(204);
    one.put("apps/shop/a").await.expect(200);
    eventually("the newer one is taken over", || async {
        one.get("apps/shop/a").await.json["instance"]["hostName"] == "moved"
    })
    .await;
}

#[tokio::test]
async fn a_server_that_comes_back_has_everything_again() {
    let world = World::new().await;
    let (one, two, both) = pair(&world).await;
    one.register("shop", "a").await;
    one.register("order", "b").await;
    one.put("apps/shop/a/status?value=OUT_OF_SERVICE").await.expect(200);
    two.until("b UP, a OUT_OF_SERVICE").await;
    assert!(two.running.stop().await);
    // While it is away nobody waits for it.
    one.register("shop", "c").await;
    let there = TcpListener::bind(both[1]).await.unwrap();
    let configured = DiscoveryConfig { hostname: both[1].to_string(), ..with_peers(&both) };
    let two = serve_on(&world, configured, there).await;
    two.until("b UP, a OUT_OF_SERVICE, c UP").await;
    // The override came with it.
    two.register("shop", "a").await;
    two.until("b UP, a OUT_OF_SERVICE, c UP").await;
    assert!(one.running.stop().await && two.running.stop().await);
}

#[tokio::test]
async fn a_start_waits_for_no_peer_and_tries_them_all() {
    let world = World::new().await;
    let (away, late) = (listener().await, listener().await);
    let (nobody, later) = (away.local_addr().unwrap(), late.local_addr().unwrap());
    drop((away, late));
    let server = serve(&world, with_peers(&[nobody, later])).await;
    server.register("shop", "own").await;
    server.until("own UP").await;
    let other = serve_on(&world, config(), TcpListener::bind(later).await.unwrap()).await;
    other.register("shop", "theirs").await;
    eventually("it is read once it is there", || async {
        server.everybody().await.iter().any(|(id, _)| id == "theirs")
    })
    .await;
}

#[tokio::test]
async fn credentials_in_a_peers_url_are_shown_to_it_and_to_nobody_else() {
    let world = World::new().await;
    let security = souk_discovery::config::SecurityConfig {
        user: "eureka".to_owned(),
        password: Secret::new("s3cret".to_owned()),
    };
    let guarded = serve(&world, DiscoveryConfig { security, ..config() }).await;
    let peers = vec![Secret::new(format!("http://eureka:s3cret@{}/eureka/", guarded.running.address))];
    let server = serve(&world, DiscoveryConfig { peers, ..config() }).await;
    server.register("shop", "a").await;
    let known = Client::new(format!("http://eureka:s3cret@{}", guarded.running.address));
    let known = known.with_header("accept", "application/json");
    eventually("it is told", || async {
        known.get("/eureka/apps").await.json["applications"]["apps__hashcode"] == "UP_1_"
    })
    .await;
    for path in ["/", "/eureka/status", "/metrics"] {
        assert!(!server.client.get(path).await.expect(200).text.contains("s3cret"), "{path}");
    }
}

#[tokio::test]
async fn many_changes_arrive_in_their_order() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    for number in 0..300 {
        one.register("shop", &format!("i{number:03}")).await;
    }
    for number in (0..300).filter(|number| number % 3 != 0) {
        one.delete(&format!("apps/shop/i{number:03}")).await.expect(200);
    }
    // Gone and come again: last it is there.
    one.register("shop", "i001").await;
    let expected = one.everybody().await;
    assert_eq!(expected.len(), 101);
    eventually("the other one holds the same", || async { two.everybody().await == expected }).await;
}

#[tokio::test]
async fn a_peer_that_knows_nothing_does_not_end_the_search() {
    let world = World::new().await;
    let (empty, full) = (serve(&world, config()).await, serve(&world, config()).await);
    full.register("shop", "a").await;
    let server = serve(&world, with_peers(&[empty.running.address, full.running.address])).await;
    server.until("a UP").await;
}

#[tokio::test]
async fn what_happens_while_a_peer_is_read_is_not_undone() {
    let world = World::new().await;
    let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_asked, may_answer) = (Arc::clone(&asked), Arc::clone(&answer));
    let slow = get(move || async move {
        is_asked.notify_one();
        may_answer.notified().await;
        let mut broken = instance("shop", "broken")["instance"].take();
        broken["port"] = json!({"$": 70_000});
        let [mut gone, mut moved, last] = ["gone", "moved", "z"].map(|id| instance("shop", id)["instance"].take());
        for old in [&mut gone, &mut moved] {
            old["lastDirtyTimestamp"] = json!("9000");
        }
        Json(json!({"applications": {"versions__delta": "1", "apps__hashcode": "UP_4_",
            "application": [{"name": "SHOP", "instance": [gone, moved, broken, last]}]}}))
    });
    let peer = world.fake_peer("discovery", Router::new().route("/eureka/apps/", slow)).await;
    let peers = vec![Secret::new(format!("{peer}/eureka"))];
    let server = serve(&world, DiscoveryConfig { peers, ..config() }).await;
    asked.notified().await;
    for id in ["gone", "moved"] {
        server.register("shop", id).await;
    }
    server.delete("apps/shop/gone").await.expect(200);
    server.put("apps/shop/moved/status?value=DOWN").await.expect(200);
    answer.notify_one();
    // One of theirs cannot be read, which does not keep the others away.
    server.until("moved DOWN, z UP").await;
    assert_eq!(server.get("apps/shop/moved").await.json["instance"]["lastDirtyTimestamp"], "1000");
}
