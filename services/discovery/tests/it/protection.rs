//! Authentication and limits.

use reqwest::Method;
use serde_json::json;
use souk_discovery::{DiscoveryConfig, SecurityConfig};
use souk_testkit::{Client, World};
use souk_values::Secret;

use crate::rig::{config, instance, serve};

#[tokio::test]
async fn with_credentials_only_the_probes_are_public() {
    let world = World::new().await;
    let security = SecurityConfig { user: "eureka".to_owned(), password: Secret::new("s3cret".to_owned()) };
    let server = serve(&world, DiscoveryConfig { security, ..config() }).await;
    let paths =
        ["/", "/lastn", "/eureka/apps", "/eureka/v2/apps/", "/metrics", "/info", "/docs/", "/openapi.json", "/x"];
    // "eureka:wrong", "eureka:", ":s3cret", invalid values, another scheme
    let wrong = [
        "Basic ZXVyZWthOndyb25n",
        "Basic ZXVyZWthOg==",
        "Basic OnMzY3JldA==",
        "Basic ***",
        "Basic",
        "",
        "Bearer ZXVyZWthOnMzY3JldA==",
    ];
    for path in paths {
        server.client.get(path).await.is_problem(401, "discovery.unauthorized");
        for authorization in wrong {
            server.client.with_header("authorization", authorization).get(path).await.expect(401);
        }
    }
    let unauthorized = server.client.post("/eureka/apps/shop", instance("shop", "a")).await.expect(401);
    assert!(unauthorized.header("www-authenticate").starts_with("Basic "));
    for probe in ["/health/live", "/health/ready"] {
        server.client.get(probe).await.expect(200);
    }
    let base = format!("http://eureka:s3cret@{}", server.running.address);
    let known = Client::new(base).with_header("accept", "application/json");
    known.post("/eureka/apps/shop", instance("shop", "a")).await.expect(204);
    assert_eq!(known.get("/eureka/apps").await.expect(200).json["applications"]["apps__hashcode"], "UP_1_");
}

#[tokio::test]
async fn requests_above_a_limit_are_rejected_with_a_reason() {
    let world = World::new().await;
    let server = serve(&world, DiscoveryConfig { max_instances: 2, ..config() }).await;
    let huge = format!("{{\"instance\":\"{}\"}}", "x".repeat(300_000));
    let answer = server.client.send(Method::POST, "/eureka/apps/shop", Some(huge)).await.expect(413);
    assert!(answer.text.contains("larger than"), "{}", answer.text);
    let encoded = server.client.with_header("content-encoding", "br");
    encoded.send(Method::POST, "/eureka/apps/shop", Some("x".to_owned())).await.expect(415);
    let encoded = server.client.with_header("content-encoding", "gzip");
    encoded.send(Method::POST, "/eureka/apps/shop", Some("x".to_owned())).await.expect(400);
    let mut wide = instance("shop", "a");
    wide["instance"]["metadata"] = (0..600).map(|number| (number.to_string(), json!("x"))).collect();
    server.client.post("/eureka/apps/shop", wide).await.expect(400);
    server.register("shop", "a").await;
    server.register("shop", "b").await;
    let full = server.client.post("/eureka/apps/shop", instance("shop", "c")).await.expect(507);
    assert!(full.text.contains("max-instances"), "{}", full.text);
    // An instance that is registered may register again.
    server.register("shop", "a").await;
}

#[tokio::test]
async fn a_body_that_expands_above_the_limit_is_rejected() {
    use std::io::Write;
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let url = format!("http://{}/eureka/apps/shop", server.running.address);
    let post = reqwest::Client::new().post(url).header("content-encoding", "gzip").body(bomb);
    assert_eq!(post.header("content-type", "application/json").send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_batch_is_limited_in_items_and_their_size() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a").await;
    let mut item = json!({"appName": "SHOP", "id": "a", "action": "Cancel"});
    let many = json!({"replicationList": vec![item.clone(); 1_001]});
    let rejected = server.client.post("/eureka/peerreplication/batch", many).await.expect(400);
    assert!(rejected.text.contains("at most 1000 items"), "{}", rejected.text);
    // Small on the wire, a hundred times as large once it is parsed.
    item["more"] = json!(vec![json!({"": 0}); 40_000]);
    let expanding = json!({"replicationList": [item]});
    let answer = server.client.post("/eureka/peerreplication/batch", expanding).await.expect(200).json;
    assert_eq!(answer["responseList"][0]["statusCode"], 413);
    server.until("a UP").await;
}

/// Content types that browsers send across origins without a CORS preflight are rejected.
#[tokio::test]
async fn a_website_cannot_make_a_browser_register_an_instance() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let batch = json!({"replicationList": [{"appName": "SHOP", "id": "a", "action": "Register",
        "instanceInfo": instance("shop", "a")["instance"]}]});
    for (path, body) in [("apps/shop", instance("shop", "a")), ("peerreplication/batch", batch)] {
        for content_type in
            [None, Some("text/plain"), Some("text/plain;x=json"), Some("application/x-www-form-urlencoded")]
        {
            let url = format!("http://{}/eureka/{path}", server.running.address);
            let post = reqwest::Client::new().post(url).body(body.to_string());
            let post = content_type.into_iter().fold(post, |post, value| post.header("content-type", value));
            assert_eq!(post.send().await.unwrap().status(), 415, "{path} {content_type:?}");
        }
    }
    assert!(server.instances().await.is_empty());
}
