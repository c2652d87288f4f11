//! Every operation of the protocol, its statuses, and the variants of its path.

use reqwest::Method;
use serde_json::{Value, json};
use souk_testkit::World;

use crate::rig::{config, instance, serve};

#[tokio::test]
async fn an_instance_registers_renews_and_cancels() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let registered = server.client.post("/eureka/apps/shop", instance("Shop", "h:shop:1")).await.expect(204);
    assert!(registered.text.is_empty());
    let shown = server.get("apps/SHOP/h:shop:1").await.expect(200).json["instance"].clone();
    assert_eq!((&shown["app"], &shown["status"]), (&json!("SHOP"), &json!("UP")));
    assert_eq!(shown["port"], json!({"$": 8080, "@enabled": "true"}));
    assert_eq!(shown["actionType"], "ADDED");
    assert!(shown["leaseInfo"]["serviceUpTimestamp"].as_i64().unwrap() > 0);

    let beat = server.put("apps/shop/h%3Ashop%3A1?status=DOWN&lastDirtyTimestamp=1000").await.expect(200);
    assert!(beat.text.is_empty());
    assert_eq!(server.get("instances/h%3Ashop%3A1").await.expect(200).json["instance"]["status"], "UP");
    server.put("apps/SHOP/h:shop:1").await.expect(200);
    server.put("apps/SHOP/h:shop:1?lastDirtyTimestamp=999").await.expect(200);
    server.put("apps/SHOP/h:shop:1?lastDirtyTimestamp=1001").await.expect(404);
    server.put("apps/SHOP/h:shop:1?lastDirtyTimestamp=soon").await.expect(400);
    server.put("apps/SHOP/unknown").await.expect(404);
    let peer = server.client.with_header("x-netflix-discovery-replication", "true");
    let older = "/eureka/apps/SHOP/h:shop:1?lastDirtyTimestamp=999";
    let conflict = peer.send(Method::PUT, older, None).await.expect(409);
    assert_eq!(conflict.json["instance"]["instanceId"], "h:shop:1");

    server.delete("apps/shop/h:shop:1").await.expect(200);
    server.delete("apps/shop/h:shop:1").await.expect(404);
    for path in ["apps/SHOP/h:shop:1", "instances/h:shop:1", "apps/SHOP"] {
        server.get(path).await.expect(404);
    }
    server.put("apps/SHOP/h:shop:1").await.expect(404);
}

#[tokio::test]
async fn both_prefixes_and_a_trailing_slash_are_equivalent() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.client.post("/eureka/v2/apps/shop/", instance("shop", "a")).await.expect(204);
    for path in ["apps", "apps/delta", "apps/shop", "apps/shop/a", "instances/a", "vips/shop", "svips/shop", "status"] {
        for variant in ["/eureka/{}", "/eureka/{}/", "/eureka/v2/{}", "/eureka/v2/{}/"] {
            server.client.get(&variant.replace("{}", path)).await.expect(200);
        }
    }
    for unknown in ["/eureka", "/eureka/", "/eureka/nothing", "/eureka/v2/v2/apps", "/eureka/apps/a/b/c"] {
        server.client.get(unknown).await.expect(404);
    }
    server.client.send(Method::POST, "/eureka/apps/shop/a/status", None).await.expect(405);
    server.client.send(Method::PUT, "/eureka/asg/group/status?value=DISABLED", None).await.expect(400);
}

#[tokio::test]
async fn a_missing_field_of_a_registration_is_named() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let fields = [
        ("ipAddr", "Missing ip address"),
        ("app", "Missing appName"),
        ("dataCenterInfo", "Missing dataCenterInfo"),
        ("hostName", "Missing hostName"),
    ];
    for (field, expected) in fields {
        let mut body = instance("shop", "a");
        body["instance"][field] = Value::Null;
        let rejected = server.client.post("/eureka/apps/shop", body).await.expect(400);
        assert_eq!(rejected.text, expected);
        assert!(rejected.header("content-type").starts_with("text/plain"));
    }
    let other = server.client.post("/eureka/apps/other", instance("shop", "a")).await.expect(400);
    assert_eq!(other.text, "Mismatched appName, expecting OTHER but was SHOP");
    for invalid in ["", "{", "[]", "{\"instance\": 5}"] {
        server.client.send(Method::POST, "/eureka/apps/shop", Some(invalid.to_owned())).await.expect(400);
    }
    assert!(server.instances().await.is_empty());
}

#[tokio::test]
async fn an_operator_overrides_a_status_and_deletes_the_override() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    server.put("apps/shop/a/status?value=OUT_OF_SERVICE&lastDirtyTimestamp=2000").await.expect(200);
    let shown = server.get("apps/shop/a").await.json["instance"].clone();
    assert_eq!((&shown["status"], &shown["overriddenStatus"]), (&json!("OUT_OF_SERVICE"), &json!("OUT_OF_SERVICE")));
    assert_eq!((&shown["lastDirtyTimestamp"], &shown["actionType"]), (&json!("2000"), &json!("MODIFIED")));
    server.register("shop", "a").await;
    server.until("a OUT_OF_SERVICE").await;
    server.delete("apps/shop/a/status?value=UP").await.expect(200);
    server.until("a UP").await;
    server.put("apps/shop/a/status?value=DOWN").await.expect(200);
    server.delete("apps/shop/a/status").await.expect(200);
    server.until("a UNKNOWN").await;
    server.put("apps/shop/a").await.expect(404);

    for path in ["apps/shop/a/status?value=down", "apps/shop/a/status"] {
        server.put(path).await.expect(500);
    }
    server.delete("apps/shop/a/status?value=NOTHING").await.expect(500);
    server.put("apps/shop/b/status?value=nothing").await.expect(404);
    server.delete("apps/shop/b/status").await.expect(404);
}

#[tokio::test]
async fn metadata_is_merged() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    server.put("apps/shop/a/metadata?colour=red&colour=blue&zone=b%20c&empty=").await.expect(200);
    let shown = server.get("apps/shop/a").await.json["instance"]["metadata"].clone();
    assert_eq!(shown, json!({"colour": "red", "zone": "b c", "empty": ""}));
    let delta = server.get("apps/delta").await.json;
    let last = delta["applications"]["application"][0]["instance"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["actionType"], &last["metadata"]["colour"]), (&json!("ADDED"), &json!("red")));
    server.put("apps/shop/b/metadata?a=b").await.expect(404);
    let much = format!("apps/shop/a/metadata?a={}", "x".repeat(40_000));
    server.put(&much).await.expect(400);
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    let info = |id: &str| instance("shop", id)["instance"].clone();
    let item = |action: &str, id: &str| json!({"appName": "SHOP", "id": id, "action": action});
    let with = |mut item: Value, field: &str, value: Value| {
        item[field] = value;
        item
    };
    let batch = json!({"replicationList": [
        with(item("Register", "b"), "instanceInfo", info("b")),
        with(item("Heartbeat", "a"), "lastDirtyTimestamp", json!(5)),
        with(item("Heartbeat", "a"), "lastDirtyTimestamp", json!("1000")),
        item("Heartbeat", "c"),
        with(item("StatusUpdate", "b"), "status", json!("DOWN")),
        item("StatusUpdate", "b"),
        item("DeleteStatusOverride", "c"),
        item("Explode", "a"),
        item("Register", "d"),
        item("Cancel", "a"),
        item("Cancel", "a"),
    ]});
    let answer = server.client.post("/eureka/peerreplication/batch/", batch).await.expect(200).json;
    let replies = answer["responseList"].as_array().unwrap();
    let codes: Vec<_> = replies.iter().map(|reply| reply["statusCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [200, 409, 200, 404, 200, 500, 404, 500, 500, 200, 404]);
    assert_eq!(replies[1]["responseEntity"]["instanceId"], "a");
    server.until("b DOWN").await;
    for invalid in [json!({}), json!({"replicationList": 5}), json!([])] {
        server.client.post("/eureka/peerreplication/batch", invalid).await.expect(400);
    }
}
