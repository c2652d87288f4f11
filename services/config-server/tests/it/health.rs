//! `/actuator/health`, and the frame's own addresses beside the protocol's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::json;
use souk_config_server::{
    Extras,
    backend::{Backend, BackendError, Query, Snapshot},
};
use souk_testkit::World;

use crate::{
    repository::Repository,
    rig::{Rig, config, uri, write},
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
    let answer = rig.get("/shop/dev").await.expect(404);
    // A client that knows of it goes on trying.
    assert_eq!((&answer.json["status"], answer.header("retry-after")), (&json!(404), "2"));
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

/// Counts how often it is looked at.
struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl Backend for Counted {
    async fn snapshot(&self, _: &Query<'_>) -> Result<Snapshot, BackendError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Snapshot::in_memory("mem:", [("application.yml", "a: 1")]))
    }

    fn describe(&self) -> Vec<String> {
        Vec::new()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        Ok(())
    }
}

#[tokio::test]
async fn whoever_asks_often_is_given_the_same_answer_for_a_second() {
    let (world, looks) = (World::new().await, Arc::new(AtomicUsize::new(0)));
    let backend: Arc<dyn Backend> = Arc::new(Counted(Arc::clone(&looks)));
    let extras = Extras { default_backend: Some(backend), is_loopback: true, refresh: None };
    let service = souk_config_server::build(config(&json!({})), &world.deps, extras).await.unwrap();
    let started = world.serve(service).await;
    let begun = Instant::now();
    for _ in 0..50 {
        started.client.get("/actuator/health").await.expect(200);
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let seen = looks.load(Ordering::SeqCst);
    assert!((1..=seconds + 2).contains(&seen), "{seen} looks in {seconds} s");
    world.clock.advance(Duration::from_secs(2));
    started.client.get("/actuator/health").await.expect(200);
    assert_eq!(looks.load(Ordering::SeqCst), seen + 1);
}
