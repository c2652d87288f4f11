//! Reads: formats, compression, deltas, freshness.

use std::{io::Read, time::Duration};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use souk_discovery::DiscoveryConfig;
use souk_testkit::{Client, World, eventually};

use crate::rig::{Server, config, instance, serve};

fn url(server: &Server, path: &str) -> String {
    format!("http://{}/eureka/{path}", server.running.address)
}

#[tokio::test]
async fn json_is_served_if_accept_names_it_and_xml_otherwise() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    for accept in ["*/*", "text/html", "application/xml"] {
        let client = Client::new(url(&server, "")).with_header("accept", accept);
        for path in ["apps/", "apps/delta", "apps/shop", "apps/shop/a", "instances/a", "vips/shop", "status"] {
            let answer = client.get(path).await.expect(200);
            assert_eq!(answer.header("content-type"), "application/xml", "{path}");
            assert!(answer.text.starts_with('<') && !answer.text.contains("html"), "{path}: {}", answer.text);
        }
    }
    for path in ["apps/", "apps/delta", "apps/shop", "apps/shop/a", "instances/a", "vips/shop", "status"] {
        let answer = server.get(path).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
    }
    let empty = server.get("vips/nobody").await.expect(200).json;
    assert_eq!(empty, json!({"applications": {"versions__delta": "1", "apps__hashcode": "", "application": []}}));
    let compact = server.client.with_header("x-eureka-accept", "compact");
    let shown = compact.get("/eureka/apps").await.expect(200).json;
    let shown = &shown["applications"]["application"][0]["instance"][0];
    assert!(shown.get("leaseInfo").is_none() && shown["instanceId"] == "a", "{shown}");
    let status = server.get("status").await.expect(200).json;
    assert_eq!(status["status"]["applicationStats"]["registered-replicas"], "");
}

#[tokio::test]
async fn registrations_may_be_xml_and_bodies_compressed() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let xml = "<instance><instanceId>x</instanceId><hostName>h</hostName><app>shop</app><ipAddr>1.2.3.4</ipAddr>\
        <status>UP</status><port enabled=\"true\">80</port><dataCenterInfo class=\"c\"><name>MyOwn</name>\
        </dataCenterInfo></instance>";
    let http = reqwest::Client::new();
    let post = |body: Vec<u8>| http.post(url(&server, "apps/shop")).body(body);
    let status = post(xml.into()).header("content-type", "application/xml").send().await.unwrap().status();
    assert_eq!(status, 204);
    let zipped = compress(instance("shop", "z").to_string().as_bytes());
    let typed = post(zipped).header("content-type", "application/json");
    assert_eq!(typed.header("content-encoding", "gzip").send().await.unwrap().status(), 204);
    server.until("x UP, z UP").await;

    let answer = http.get(url(&server, "apps/")).header("accept-encoding", "gzip, deflate");
    let answer = answer.header("accept", "application/json").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let mut plain = String::new();
    GzDecoder::new(&*answer.bytes().await.unwrap()).read_to_string(&mut plain).unwrap();
    let shown: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(shown["applications"]["apps__hashcode"], "UP_2_");
}

fn compress(plain: &[u8]) -> Vec<u8> {
    let mut zipped = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(plain, flate2::Compression::best());
    encoder.read_to_end(&mut zipped).unwrap();
    zipped
}

#[tokio::test]
async fn a_delta_has_the_changes_and_the_hash_of_the_whole_registry() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    server.register("order", "b").await;
    let version = |delta: &Value| delta["applications"]["versions__delta"].as_str().unwrap().parse::<u64>().unwrap();
    let before = server.get("apps/delta").await.json;
    world.clock.advance(Duration::from_secs(200));
    server.put("apps/order/b/status?value=DOWN").await.expect(200);
    server.delete("apps/shop/a").await.expect(200);
    let delta = server.get("apps/delta").await.json;
    assert!(version(&delta) > version(&before));
    assert_eq!(delta["applications"]["apps__hashcode"], "DOWN_1_");
    let applications = delta["applications"]["application"].as_array().unwrap();
    let shown: Vec<_> = applications
        .iter()
        .flat_map(|application| application["instance"].as_array().unwrap())
        .map(|instance| (instance["instanceId"].as_str().unwrap(), instance["actionType"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("b", "MODIFIED"), ("a", "DELETED")]);
    assert_eq!(server.get("apps").await.json["applications"]["versions__delta"], "1");
}

#[tokio::test]
async fn a_disabled_delta_is_forbidden() {
    let world = World::new().await;
    let server = serve(&world, DiscoveryConfig { disable_delta: true, ..config() }).await;
    server.get("apps/delta").await.expect(403);
    server.get("apps/delta/").await.expect(403);
}

#[tokio::test]
async fn a_cached_response_is_served_until_it_expires() {
    let world = World::new().await;
    let an_hour = DiscoveryConfig { response_cache_update_interval_ms: 3_600_000, ..config() };
    let server = serve(&world, an_hour).await;
    assert!(server.instances().await.is_empty());
    server.register("shop", "a").await;
    assert!(server.instances().await.is_empty());
    server.get("apps/shop/a").await.expect(200);
    world.clock.advance(Duration::from_secs(3_601));
    server.until("a UP").await;
    // By default it expires after a second.
    let server = serve(&world, DiscoveryConfig::default()).await;
    assert!(server.instances().await.is_empty());
    server.register("shop", "a").await;
    eventually("a second passes", || async { server.instances().await.len() == 1 }).await;
}
