//! Tests of refused requests and configurations, and of the bodies of errors.

use serde_json::json;
use souk_config_server::ConfigServer;
use souk_kit::Service;
use souk_testkit::World;

use crate::rig::{Rig, config, write};

#[tokio::test]
async fn invalid_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::of_folder(folder.path()).await;
    for path in
        ["/shop/dev,", "/shop/de%20v", "/..(_)x/dev", "/%252e%252e/dev", "/(_)shop/dev", "/shop/dev/a%23b", "/%ff/dev"]
    {
        assert_eq!(rig.raw_status(path).await, 400, "{path}");
    }
    let refused = rig.get("/shop/dev,/main").await.expect(400);
    assert_eq!((&refused.json["status"], &refused.json["error"]), (&json!(400), &json!("Bad Request")));
    assert_eq!(refused.json["path"], "/shop/dev,/main");
    let many = format!("/shop/dev/{}", vec!["a"; 17].join(","));
    rig.get(&many).await.expect(400);
    let names = |letter: char| (0..300).map(|number| format!("{letter}{number}")).collect::<Vec<_>>().join(",");
    let many = format!("/{}/{}", names('a'), names('b'));
    rig.get(&many).await.expect(400);
    rig.post("/shop/dev", &[], "").await.expect(405);
}

#[tokio::test]
async fn a_broken_file_fails_its_application_only() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("shop.yml", "a: 1\n"),
            ("cart.yml", "fine: 1\npassword: [hunter2\nmore: x\n"),
            ("twice.yml", "a: 1\na: 2\n"),
        ],
    );
    let rig = Rig::of_folder(folder.path()).await;
    for (path, file) in [("/cart/dev", "cart.yml"), ("/cart-dev.yml", "cart.yml"), ("/twice/dev", "twice.yml")] {
        let broken = rig.get(path).await.expect(500);
        assert_eq!(broken.json["status"], 500);
        let message = broken.json["message"].as_str().unwrap();
        assert!(message.contains(file) && message.contains("line"), "{message}");
        assert!(!broken.text.contains("hunter2"), "{}", broken.text);
    }
    rig.get("/shop/dev").await.expect(200);
    rig.get("/actuator/health").await.expect(200);
}

#[tokio::test]
async fn all_mistakes_of_the_configuration_are_reported_together() {
    let world = World::new().await;
    let wrong = json!({
        "git": {"uri": "file:///x"}, "native": {"search_locations": ["y"]}, "prefix": "/actuator",
        "encrypt": {"key": "k", "salt": "zz"}, "security": {"user": "ann"},
    });
    let mistakes = ConfigServer::build(config(&wrong), &world.deps).await.unwrap_err().to_string();
    for part in ["both set", "prefix", "encrypt.salt", "security.password"] {
        assert!(mistakes.contains(part), "{mistakes}");
    }
    let nothing = ConfigServer::build(config(&json!({})), &world.deps).await;
    assert!(nothing.unwrap_err().to_string().contains("set git.uri"));
}
