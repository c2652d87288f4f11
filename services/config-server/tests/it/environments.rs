//! Tests of `/{application}/{profiles}[/{label}]`: the files, their order, and the forms of the response.

use serde_json::json;

use crate::{
    repository::Repository,
    rig::{Rig, uri, write},
};

const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";

fn shop() -> Repository {
    Repository::new(&[
        ("application.yml", "where: application\nonly: shared\nlist: [a, b, c]\n"),
        ("application-dev.yml", "where: application-dev\n"),
        ("application-db.properties", "where=application-db\n"),
        ("shop.yml", "where: shop\nport: 8080\nturned: on\nlist:\n  - x\n  - deep: {y: 1}\n"),
        ("shop.properties", "where=shop-properties\nport=9090\n"),
        ("shop-dev.yml", "where: shop-dev\n"),
        ("shop-db.yaml", "where: shop-db\n"),
    ])
}

#[tokio::test]
async fn files_are_ordered_by_profile_then_name_then_kind() {
    let repository = shop();
    let rig = Rig::of_git(repository.path()).await;
    let answer = rig.get("/shop/dev,db").await.expect(200);
    assert_eq!(
        answer.sources(),
        [
            "shop-db.yaml",
            "application-db.properties",
            "shop-dev.yml",
            "application-dev.yml",
            "shop.properties",
            "shop.yml",
            "application.yml"
        ]
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json["name"], "shop");
    assert_eq!(answer.json["profiles"], json!(["dev", "db"]));
    assert_eq!(answer.json["version"], repository.git(&["rev-parse", "HEAD"]));
    assert!(answer.json["label"].is_null() && answer.json.get("state").is_some());
    let name = answer.json["propertySources"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("{}/shop-db.yaml", uri(repository.path())));
    // JavaScript clients encode the comma.
    assert_eq!(
        rig.get("/shop/dev%2Cdb/main").await.expect(200).json["propertySources"],
        answer.json["propertySources"]
    );
    assert_eq!(rig.get("/shop/db,dev").await.sources()[0], "shop-dev.yml");
}

#[tokio::test]
async fn values_keep_their_types_and_lists_are_flat() {
    let repository = shop();
    let rig = Rig::of_git(repository.path()).await;
    let answer = rig.get("/shop/none").await.expect(200);
    let yaml = &answer.json["propertySources"][1]["source"];
    assert_eq!(*yaml, json!({"where": "shop", "port": 8080, "turned": true, "list[0]": "x", "list[1].deep.y": 1}));
    assert_eq!(*answer.value("port"), json!("9090"));
    assert_eq!(*answer.value("list[2]"), json!("c"));
}

/// Compares texts, since a parsed object has no order.
#[tokio::test]
async fn properties_keep_the_order_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("ordered.yml", "zoo: 1\nlist: [b, a]\nmiddle:\n  z: on\n  a: x\nalpha: 2\n"),
            ("listed.properties", "z=1\nb=2\na=3\nb=4\n"),
        ],
    );
    let rig = Rig::of_folder(folder.path()).await;
    let yaml = rig.get("/ordered/none").await.expect(200);
    let expected = r#""source":{"zoo":1,"list[0]":"b","list[1]":"a","middle.z":true,"middle.a":"x","alpha":2}}"#;
    assert!(yaml.text.contains(expected), "{}", yaml.text);
    assert!(yaml.text.starts_with(r#"{"name":"ordered","profiles":["none"],"label":null,"#), "{}", yaml.text);
    // A repeated key keeps its first position.
    let properties = rig.get("/listed/none").await.expect(200);
    assert!(properties.text.contains(r#""source":{"z":"1","b":"4","a":"3"}}"#), "{}", properties.text);
    let version_2 = rig.get_with("/listed/none", &[("accept", V2)]).await.expect(200);
    let positions: Vec<_> = [r#""z":{"value":"1""#, r#""b":{"value":"4""#, r#""a":{"value":"3""#]
        .map(|property| version_2.text.find(property).unwrap())
        .into();
    assert!(positions.is_sorted(), "{}", version_2.text);
    // The finished documents stay sorted.
    assert_eq!(rig.get("/listed-none.properties").await.expect(200).text, "a: 3\nb: 4\nz: 1");
}

#[tokio::test]
async fn the_java_client_receives_version_2() {
    let repository = shop();
    let rig = Rig::of_git(repository.path()).await;
    for accept in [V2, "application/vnd.spring-cloud.config-server.v2+json, application/json;q=0.5"] {
        let answer = rig.get_with("/shop/dev/main", &[("accept", accept), ("x-config-state", "")]).await.expect(200);
        assert_eq!(answer.header("content-type"), V2);
        assert_eq!(answer.value("where")["value"], "shop-dev");
        assert!(answer.value("where")["origin"].as_str().unwrap().contains("shop-dev.yml:1"), "{}", answer.text);
    }
    for accept in ["*/*", "application/json", "text/html"] {
        assert_eq!(*rig.get_with("/shop/dev", &[("accept", accept)]).await.expect(200).value("where"), "shop-dev");
    }
}

#[tokio::test]
async fn several_applications_and_an_unknown_one() {
    let repository = shop();
    repository.commit(&[("cart.yml", "where: cart\n")]);
    let rig = Rig::of_git(repository.path()).await;
    let both = rig.get("/shop,cart/none").await.expect(200);
    assert_eq!(both.sources()[0], "cart.yml");
    assert_eq!(both.json["name"], "shop,cart");
    assert_eq!(rig.get("/unknown/none").await.expect(200).sources(), ["application.yml"]);
}

#[tokio::test]
async fn an_empty_environment_is_returned_unless_configured_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yml", "a: 1\n")]);
    let rig = Rig::of_folder(folder.path()).await;
    assert_eq!(rig.get("/other/dev").await.expect(200).json["propertySources"], json!([]));
    let strict = json!({"accept_empty": false, "native": {"search_locations": [folder.path()]}});
    let rig = Rig::with(strict).await;
    rig.get("/shop/dev").await.expect(200);
    let refused = rig.get("/other/dev").await.expect(404);
    assert_eq!((&refused.json["status"], &refused.json["error"]), (&json!(404), &json!("Not Found")));
    assert_eq!(refused.json["path"], "/other/dev");
    assert!(refused.json["timestamp"].is_string());
}

#[tokio::test]
async fn overrides_and_search_paths_and_a_prefix() {
    let repository = shop();
    repository.commit(&[("team/shop.yml", "where: team\n"), ("extra/shop.yml", "where: extra\n")]);
    let rig = Rig::with(json!({
        "git": {"uri": uri(repository.path()), "search_paths": ["team", "ex*"]},
        "overrides": ["kept.asIs-x=\\${this}", "where = forced"],
        "prefix": "/conf/",
    }))
    .await;
    let answer = rig.get("/conf/shop/none").await.expect(200);
    assert_eq!(answer.sources()[0], "overrides");
    assert_eq!(*answer.value("kept.asIs-x"), json!("${this}"));
    let names: Vec<_> = answer.json["propertySources"].as_array().unwrap()[1..3].iter().map(|s| &s["name"]).collect();
    let base = uri(repository.path());
    assert_eq!(names, [&json!(format!("{base}/extra/shop.yml")), &json!(format!("{base}/team/shop.yml"))]);
    rig.get("/conf/shop-none.json").await.expect(200);
    rig.get("/conf/key").await.expect(404);
    for outside in ["/shop/none", "/shop-none.json"] {
        rig.get(outside).await.expect(404);
    }
    rig.get("/actuator/health").await.expect(200);
}

#[tokio::test]
async fn a_folder_has_a_stronger_folder_for_a_label() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yml", "a: root\n"), ("v1/shop.yml", "a: v1\n")]);
    let rig = Rig::of_folder(folder.path()).await;
    let answer = rig.get("/shop/dev/v1").await.expect(200);
    assert_eq!(*answer.value("a"), "v1");
    assert_eq!(answer.sources().len(), 2);
    assert_eq!((&answer.json["label"], &answer.json["version"]), (&json!("v1"), &json!(null)));
    assert_eq!(*rig.get("/shop/dev").await.value("a"), "root");
}
