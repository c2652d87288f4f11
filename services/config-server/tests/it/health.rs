//! `/actuator/health`, and the frame's own addresses beside the protocol's.

use serde_json::json;

use crate::{
    repository::Repository,
    rig::{Rig, uri, write},
};

#[tokio::test]
async fn health_tells_what_a_client_would_get() {
    let repository = Repository::new(&[("application.yml", "a: 1\n")]);
    let rig = Rig::of_git(repository.path()).await;
    let answer = rig.get("/actuator/health").await.expect(200);
    let own = &answer.json["components"]["configServer"];
    assert_eq!((&answer.json["status"], &own["status"]), (&json!("UP"), &json!("UP")));
    let seen = &own["details"]["repositories"][0];
    assert_eq!((&seen["name"], &seen["profiles"]), (&json!("app"), &json!(["default"])));
    assert!(seen["sources"][0].as_str().unwrap().ends_with("application.yml"));
    assert_eq!(rig.get("/actuator/health/configServer").await.expect(200).json["status"], "UP");
    assert_eq!(rig.get("/actuator/health/liveness").await.expect(200).json, json!({"status": "UP"}));
    rig.get("/actuator/health/other").await.expect(404);
    rig.get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with(json!({"git": {"uri": uri(&folder.path().join("none"))}})).await;
    let answer = rig.get("/actuator/health").await.expect(503);
    assert_eq!(answer.json["status"], "DOWN");
    assert!(answer.json["components"]["configServer"]["details"]["error"].is_string());
    rig.get("/health/live").await.expect(200);
    rig.get("/health/ready").await.expect(503);
    assert_eq!(rig.get("/shop/dev").await.expect(404).json["status"], 404);
}

#[tokio::test]
async fn the_frame_s_own_addresses_win() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("health.yml", "a: 1\n")]);
    let rig = Rig::of_folder(folder.path()).await;
    for path in ["/health/live", "/health/ready", "/info", "/openapi.json"] {
        let answer = rig.get(path).await.expect(200);
        assert!(answer.json.get("propertySources").is_none(), "{path}: {}", answer.text);
    }
    assert!(rig.get("/metrics").await.expect(200).text.contains("http_server_request"));
    // What only looks alike is an application's.
    assert_eq!(*rig.get("/health/dev").await.expect(200).value("a"), 1);
    for path in ["/actuator/env", "/actuator/health/main/health.yml"] {
        rig.get(path).await.expect(404);
    }
}
