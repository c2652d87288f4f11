//! Tests of configuration without HTTP, and of files compiled into the binary.

use std::sync::Arc;

use serde_json::json;
use souk_config_server::{
    ConfigReader, ConfigServer, ConfigServerConfig, ConfigServerExtras,
    backend::{Backend, EmbeddedBackend},
};
use souk_kit::Service;
use souk_testkit::{Client, World};

use crate::rig::config;

fn embedded() -> Arc<dyn Backend> {
    let files: [(&str, &[u8]); 2] = [("application.yml", b"a: shared\nb: 1\n"), ("shop.yml", b"a: shop\n")];
    Arc::new(EmbeddedBackend::new("embedded:config", files))
}

#[tokio::test]
async fn an_embedded_shop_reads_its_configuration() {
    let world = World::new().await;
    let reader = ConfigReader::open(&config(&json!({})), &world.deps.clock, &world.deps.ids, Some(embedded())).unwrap();
    let environment = reader.environment(&["shop".to_owned()], &["default".to_owned()], None).await.unwrap();
    let names: Vec<_> = environment.property_sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["embedded:config/shop.yml", "embedded:config/application.yml"]);
    assert_eq!(environment.get("a").unwrap().to_string(), "shop");
}

#[tokio::test]
async fn configured_folders_replace_the_embedded_files() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    crate::rig::write(folder.path(), &[("shop.yml", "a: folder\n")]);
    let native = json!({"native": {"search_locations": [folder.path()]}});
    for (tree, expected) in [(json!({}), "shop"), (native, "folder")] {
        let extras = ConfigServerExtras { default_backend: Some(embedded()), is_loopback: true, refresh: None };
        let config = ConfigServerConfig { extras, ..config(&tree) };
        let service = ConfigServer::build(config, &world.deps).await.unwrap();
        let started = world.serve(service).await;
        let answer = started.client.get("/shop-default.json").await.expect(200);
        assert_eq!(answer.json["a"], expected);
        // A webhook is answered even without a bus.
        let client = Client::new(format!("http://{}", started.running.address));
        assert_eq!(client.post("/monitor", json!({"path": "shop.yml"})).await.expect(200).json, json!(["shop"]));
    }
}
