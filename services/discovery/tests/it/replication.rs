//! Replication between several servers.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get};
use serde_json::json;
use souk_discovery::{DiscoveryConfig, SecurityConfig};
use souk_testkit::{Client, World, eventually};
use souk_values::Secret;
use tokio::{net::TcpListener, sync::Notify};

use crate::rig::{Server, config, instance, listener, serve, serve_on, with_peers};

/// Starts two servers that are each other's peers and recognize themselves by `hostname`.
async fn pair(world: &World) -> (Server, Server, [SocketAddr; 2]) {
    let (one, two) = (listener().await, listener().await);
    let both = [one.local_addr().unwrap(), two.local_addr().unwrap()];
    let of = |own: SocketAddr| DiscoveryConfig { hostname: own.to_string(), ..with_peers(&both) };
    (serve_on(world, of(both[0]), one).await, serve_on(world, of(both[1]), two).await, both)
}

#[tokio::test]
async fn every_change_of_a_client_is_replicated() {
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
    eventually("the metadata is replicated", || async {
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
async fn a_change_from_a_peer_is_not_replicated_again() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    let peer = one.client.with_header("x-netflix-discovery-replication", "true");
    peer.post("/eureka/apps/shop", instance("shop", "replicated")).await.expect(204);
    one.until("replicated UP").await;
    // A later change arrives at the peer, so the earlier one was not sent.
    one.register("shop", "z").await;
    two.until("z UP").await;
}

#[tokio::test]
async fn a_heartbeat_repairs_a_peer_that_lacks_the_instance() {
    let world = World::new().await;
    let (one, two, _) = pair(&world).await;
    one.register("shop", "a").await;
    two.until("a UP").await;
    // Removed at the peer only, as by an eviction.
    let peer = two.client.with_header("x-netflix-discovery-replication", "true");
    peer.delete("/eureka/apps/shop/a").await.expect(200);
    two.until("").await;
    one.put("apps/shop/a").await.expect(200);
    two.until("a UP").await;
    // The peer has a newer version, which the sender of the heartbeat adopts.
    let mut newer = instance("shop", "a");
    newer["instance"]["lastDirtyTimestamp"] = 5_000.into();
    newer["instance"]["hostName"] = "moved".into();
    peer.post("/eureka/apps/shop", newer).await.expect(204);
    one.put("apps/shop/a").await.expect(200);
    eventually("the newer version is adopted", || async {
        one.get("apps/shop/a").await.json["instance"]["hostName"] == "moved"
    })
    .await;
}

#[tokio::test]
async fn a_restarted_server_reads_the_registry_of_its_peer() {
    let world = World::new().await;
    let (one, two, both) = pair(&world).await;
    one.register("shop", "a").await;
    one.register("order", "b").await;
    one.put("apps/shop/a/status?value=OUT_OF_SERVICE").await.expect(200);
    two.until("b UP, a OUT_OF_SERVICE").await;
    assert!(two.running.stop().await);
    // A peer that is down blocks no request.
    one.register("shop", "c").await;
    let listener = TcpListener::bind(both[1]).await.unwrap();
    let config = DiscoveryConfig { hostname: both[1].to_string(), ..with_peers(&both) };
    let two = serve_on(&world, config, listener).await;
    two.until("b UP, a OUT_OF_SERVICE, c UP").await;
    // The override was read with the instance.
    two.register("shop", "a").await;
    two.until("b UP, a OUT_OF_SERVICE, c UP").await;
    assert!(one.running.stop().await && two.running.stop().await);
}

#[tokio::test]
async fn a_start_waits_for_no_peer_and_tries_them_all() {
    let world = World::new().await;
    let listeners = [listener().await, listener().await];
    let [down, late] = listeners.map(|listener| listener.local_addr().unwrap());
    let server = serve(&world, with_peers(&[down, late])).await;
    server.register("shop", "own").await;
    server.until("own UP").await;
    let other = serve_on(&world, config(), TcpListener::bind(late).await.unwrap()).await;
    other.register("shop", "theirs").await;
    eventually("the late peer is read", || async { server.instances().await.iter().any(|(id, _)| id == "theirs") })
        .await;
}

#[tokio::test]
async fn credentials_in_a_peers_url_are_sent_to_that_peer_only() {
    let world = World::new().await;
    let security = SecurityConfig { user: "eureka".to_owned(), password: Secret::new("s3cret".to_owned()) };
    let guarded = serve(&world, DiscoveryConfig { security, ..config() }).await;
    let peers = vec![Secret::new(format!("http://eureka:s3cret@{}/eureka/", guarded.running.address))];
    let server = serve(&world, DiscoveryConfig { peers, ..config() }).await;
    server.register("shop", "a").await;
    let known = Client::new(format!("http://eureka:s3cret@{}", guarded.running.address));
    let known = known.with_header("accept", "application/json");
    eventually("the instance is replicated", || async {
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
    // Cancelled, then registered: in that order the instance exists in the end.
    one.register("shop", "i001").await;
    let expected = one.instances().await;
    assert_eq!(expected.len(), 101);
    eventually("the peer has the same instances", || async { two.instances().await == expected }).await;
}

#[tokio::test]
async fn an_empty_peer_does_not_end_the_synchronization() {
    let world = World::new().await;
    let (empty, full) = (serve(&world, config()).await, serve(&world, config()).await);
    full.register("shop", "a").await;
    let server = serve(&world, with_peers(&[empty.running.address, full.running.address])).await;
    server.until("a UP").await;
}

#[tokio::test]
async fn changes_during_the_synchronization_are_not_undone() {
    let world = World::new().await;
    let requested = Arc::new(Notify::new());
    let release = Arc::new(Notify::new());
    let has_request = Arc::clone(&requested);
    let may_respond = Arc::clone(&release);
    let slow = get(move || async move {
        has_request.notify_one();
        may_respond.notified().await;
        let mut broken = instance("shop", "broken")["instance"].take();
        broken["port"] = json!({"$": 70_000});
        let [mut cancelled, mut changed, last] =
            ["cancelled", "changed", "z"].map(|id| instance("shop", id)["instance"].take());
        for old in [&mut cancelled, &mut changed] {
            old["lastDirtyTimestamp"] = json!("9000");
        }
        Json(json!({"applications": {"versions__delta": "1", "apps__hashcode": "UP_4_",
            "application": [{"name": "SHOP", "instance": [cancelled, changed, broken, last]}]}}))
    });
    let peer = world.fake_peer("discovery", Router::new().route("/eureka/apps/", slow)).await;
    let peers = vec![Secret::new(format!("{peer}/eureka"))];
    let server = serve(&world, DiscoveryConfig { peers, ..config() }).await;
    requested.notified().await;
    for id in ["cancelled", "changed"] {
        server.register("shop", id).await;
    }
    server.delete("apps/shop/cancelled").await.expect(200);
    server.put("apps/shop/changed/status?value=DOWN").await.expect(200);
    release.notify_one();
    // An instance that cannot be read does not prevent the others.
    server.until("changed DOWN, z UP").await;
    assert_eq!(server.get("apps/shop/changed").await.json["instance"]["lastDirtyTimestamp"], "1000");
}
