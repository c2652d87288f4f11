//! Tests of `/actuator/health`, and of the frame's routes beside those of the protocol.

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
    ConfigServer, ConfigServerConfig, ConfigServerExtras,
    backend::{Backend, BackendError, Query, Snapshot},
};
use souk_kit::Service;
use souk_testkit::World;

use crate::{
    repository::Repository,
    rig::{Rig, config, uri, write},
};

#[tokio::test]
async fn health_lists_the_property_sources_of_a_client() {
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
async fn a_missing_repository_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with(json!({"git": {"uri": uri(&folder.path().join("none"))}})).await;
    let answer = rig.get("/actuator/health").await.expect(503);
    assert_eq!(answer.json["status"], "DOWN");
    assert!(answer.json["components"]["configServer"]["details"]["error"].is_string());
    rig.get("/health/live").await.expect(200);
    rig.get("/health/ready").await.expect(503);
    let answer = rig.get("/shop/dev").await.expect(404);
    // souk's own client retries upon this header.
    assert_eq!((&answer.json["status"], answer.header("retry-after")), (&json!(404), "2"));
}

#[tokio::test]
async fn the_frame_s_routes_take_precedence() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("health.yml", "a: 1\n")]);
    let rig = Rig::of_folder(folder.path()).await;
    for path in ["/health/live", "/health/ready", "/info", "/openapi.json"] {
        let answer = rig.get(path).await.expect(200);
        assert!(answer.json.get("propertySources").is_none(), "{path}: {}", answer.text);
    }
    assert!(rig.get("/metrics").await.expect(200).text.contains("http_server_request"));
    // A similar path belongs to an application.
    assert_eq!(*rig.get("/health/dev").await.expect(200).value("a"), 1);
    for path in ["/actuator/env", "/actuator/health/main/health.yml"] {
        rig.get(path).await.expect(404);
    }
}

/// A backend that counts its snapshots.
struct CountingBackend(Arc<AtomicUsize>);

#[async_trait]
impl Backend for CountingBackend {
    async fn snapshot(&self, _: &Query<'_>) -> Result<Snapshot, BackendError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Snapshot::in_memory("mem:", [("application.yml", "a: 1")]))
    }

    fn uris(&self) -> Vec<String> {
        Vec::new()
    }

    async fn probe(&self) -> Result<(), Vec<String>> {
        Ok(())
    }
}

#[tokio::test]
async fn a_health_result_is_cached_for_a_second() {
    let world = World::new().await;
    let snapshots = Arc::new(AtomicUsize::new(0));
    let backend: Arc<dyn Backend> = Arc::new(CountingBackend(Arc::clone(&snapshots)));
    let extras = ConfigServerExtras { default_backend: Some(backend), is_loopback: true, refresh: None };
    let config = ConfigServerConfig { extras, ..config(&json!({})) };
    let service = ConfigServer::build(config, &world.deps).await.unwrap();
    let started = world.serve(service).await;
    let begun = Instant::now();
    for _ in 0..50 {
        started.client.get("/actuator/health").await.expect(200);
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let seen = snapshots.load(Ordering::SeqCst);
    assert!((1..=seconds + 2).contains(&seen), "{seen} snapshots in {seconds} s");
    world.clock.advance(Duration::from_secs(2));
    started.client.get("/actuator/health").await.expect(200);
    assert_eq!(snapshots.load(Ordering::SeqCst), seen + 1);
}
