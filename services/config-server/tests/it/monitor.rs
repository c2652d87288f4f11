//! Tests of `/monitor` and `/actuator/busrefresh`, which publish refresh events.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::{
    repository::Repository,
    rig::{Rig, uri},
};

const SECRET: &str = "webhook secret";
const JSON: (&str, &str) = ("content-type", "application/json");
const PUSH: &str = r#"{"ref":"refs/heads/main","commits":[
    {"added":["eu/shop-dev.yml"],"removed":[],"modified":["application.yml"]},{"removed":["cart.properties"]}]}"#;

async fn rig(more: Value) -> (Repository, Rig) {
    let repository = Repository::new(&[("shop.yml", "a: 1\n")]);
    let mut tree = json!({"git": {"uri": uri(repository.path())}});
    tree.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let rig = Rig::with(tree).await;
    (repository, rig)
}

fn signature(body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    hex::encode(tag)
}

#[tokio::test]
async fn the_payload_of_every_host_names_the_applications() {
    let (_repository, rig) = rig(json!({})).await;
    let push = json!(["shop-dev", "shop", "*", "cart"]);
    for (name, value) in [
        ("x-github-event", "push"),
        ("x-gitlab-event", "Push Hook"),
        ("x-gitea-event", "push"),
        ("x-gogs-event", "push"),
        ("x-gitee-event", "Push Hook"),
    ] {
        assert_eq!(rig.post("/monitor", &[JSON, (name, value)], PUSH).await.expect(200).json, push, "{name}");
        assert_eq!(rig.published(), ["shop-dev:**", "shop:**", "*:**", "cart:**"], "{name}");
    }
    let bitbucket = [JSON, ("x-event-key", "repo:push"), ("x-hook-uuid", "1")];
    assert_eq!(rig.post("/monitor", &bitbucket, r#"{"push":{}}"#).await.expect(200).json, json!(["*"]));
    assert_eq!(rig.post("/monitor", &[JSON], r#"{"path":["shop.yml"]}"#).await.expect(200).json, json!(["shop"]));
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(rig.post("/monitor", &[form], "path=shop.yml&path=cart.yml").await.json, json!(["shop", "cart"]));
    rig.published();
    for nothing in ["{}", r#"{"commits":[]}"#, "[]"] {
        assert_eq!(rig.post("/monitor", &[JSON], nothing).await.expect(200).json, json!([]));
    }
    assert_eq!(rig.post("/monitor", &[JSON, ("x-github-event", "ping")], PUSH).await.expect(200).json, json!([]));
    assert_eq!(rig.published(), [""; 0]);
    assert_eq!(rig.post("/monitor", &[JSON], "{").await.expect(400).json["status"], 400);
}

#[tokio::test]
async fn the_event_has_the_format_of_spring() {
    let (_repository, rig) = rig(json!({})).await;
    rig.post("/monitor", &[JSON], r#"{"path":"shop.yml"}"#).await.expect(200);
    let events = rig.events.lock().unwrap().clone();
    let event = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(event["type"], "RefreshRemoteApplicationEvent");
    assert_eq!((&event["originService"], &event["destinationService"]), (&json!("config-server"), &json!("shop:**")));
    assert!(event["timestamp"].is_i64() && event["id"].as_str().unwrap().len() == 36);
}

#[tokio::test]
async fn with_a_secret_only_signatures_and_administrators_are_accepted() {
    let security = json!({"user": "ann", "password": "read", "admin_user": "root", "admin_password": "write"});
    for more in [json!({"monitor": {"secret": SECRET}}), json!({"monitor": {"secret": SECRET}, "security": security})] {
        let (_repository, rig) = rig(more.clone()).await;
        let signed = signature(PUSH);
        let prefixed = format!("sha256={signed}");
        let other = format!("sha256={}", signature("another body"));
        for (event, name, right, wrong) in [
            (("x-github-event", "push"), "x-hub-signature-256", prefixed.as_str(), other.as_str()),
            (("x-gitlab-event", "Push Hook"), "x-gitlab-token", SECRET, "webhook secre"),
            (("x-gitea-event", "push"), "x-gitea-signature", &signed, "00"),
            (("x-gogs-event", "push"), "x-gogs-signature", &signed, "zz"),
            (("x-event-key", "repo:push"), "x-hub-signature", &prefixed, "sha1=00"),
            (("x-gitee-event", "Push Hook"), "x-gitee-token", SECRET, ""),
        ] {
            rig.post("/monitor", &[JSON, event, (name, wrong)], PUSH).await.expect(401);
            rig.post("/monitor", &[JSON, event], PUSH).await.expect(401);
            assert_eq!(rig.published(), [""; 0], "{name}");
            rig.post("/monitor", &[JSON, event, (name, right)], PUSH).await.expect(200);
            assert!(!rig.published().is_empty(), "{name}");
        }
        if more["security"].is_object() {
            let reader = ("authorization", "Basic YW5uOnJlYWQ=");
            let admin = ("authorization", "Basic cm9vdDp3cml0ZQ==");
            rig.post("/monitor", &[JSON, reader], r#"{"path":"a.yml"}"#).await.expect(401);
            rig.post("/monitor", &[JSON, admin], r#"{"path":"a.yml"}"#).await.expect(200);
        }
    }
}

#[tokio::test]
async fn busrefresh_notifies_all_or_some_applications() {
    let (_repository, rig) = rig(json!({})).await;
    for (path, destination) in [
        ("/actuator/busrefresh", "**"),
        ("/actuator/busrefresh/shop", "shop:**"),
        ("/actuator/busrefresh/shop:8080", "shop:8080:**"),
        ("/actuator/busrefresh/shop/8080", "shop:8080:**"),
        ("/actuator/busrefresh/shop:dev:8080", "shop:dev:8080"),
    ] {
        rig.post(path, &[], "").await.expect(204);
        assert_eq!(rig.published(), [destination], "{path}");
    }
    rig.get("/actuator/busrefresh").await.expect(405);
}

#[tokio::test]
async fn a_webhook_makes_the_server_fetch_again() {
    let repository = Repository::new(&[("shop.yml", "a: 1\n")]);
    let clone = Repository(tempfile::tempdir().unwrap());
    let bare = clone.path().join("bare.git");
    let from = repository.path().to_str().unwrap();
    clone.git(&["clone", "--quiet", "--bare", from, bare.to_str().unwrap()]);
    let basedir = clone.path().join("copies");
    // A repository that would otherwise be fetched once an hour.
    let git = json!({"uri": format!("{}", uri(&bare)), "refresh_rate": 3600, "basedir": basedir});
    let rig = Rig::with(json!({"git": git})).await;
    assert_eq!(*rig.get("/shop/dev").await.expect(200).value("a"), 1);
    repository.commit(&[("shop.yml", "a: 2\n")]);
    repository.git(&["push", "--quiet", bare.to_str().unwrap(), "main"]);
    rig.post("/monitor", &[JSON], r#"{"path":"shop.yml"}"#).await.expect(200);
    assert_eq!(*rig.get("/shop/dev").await.expect(200).value("a"), 2);
}
