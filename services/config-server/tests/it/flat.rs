//! Tests of the flat documents, `/[label/]app-profiles.{properties,yml,yaml,json}`.

use serde_json::json;

use crate::{
    repository::Repository,
    rig::{Rig, write},
};

#[tokio::test]
async fn the_whole_environment_is_returned_in_every_format() {
    let repository = Repository::new(&[
        ("application.yml", "list: [a, b, c]\nhost: example.org\nurl: http://${host}:${port:80}/${unknown}\n"),
        ("foo-bar.yml", "list: [x]\nesc: '\\${host}'\na: {b: 1}\n"),
        ("foo-bar-dev.yml", "port: 8080\n"),
    ]);
    repository.branch("feature/x", &[("foo-bar.yml", "only: here\n")]);
    let rig = Rig::of_git(repository.path()).await;

    let answer = rig.get("/foo-bar-dev.json").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.json,
        json!({"list": ["x"], "host": "example.org", "url": "http://example.org:8080/${unknown}", "port": 8080,
            "esc": "${host}", "a": {"b": 1}})
    );
    let answer = rig.get("/main/foo-bar-dev.properties?resolvePlaceholders=false").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert!(answer.text.lines().any(|line| line == "url: http://${host}:${port:80}/${unknown}"), "{}", answer.text);
    assert!(answer.text.lines().any(|line| line == "list[0]: x") && !answer.text.ends_with('\n'), "{}", answer.text);
    for path in ["/foo-bar-dev.yml", "/foo-bar-dev.yaml", "/main/foo-bar-dev.yml"] {
        let answer = rig.get(path).await.expect(200);
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert!(answer.text.contains("list:\n- x\n") || answer.text.contains("list:\n  - x\n"), "{}", answer.text);
    }
    assert_eq!(rig.get("/feature(_)x/foo-bar-dev.json").await.expect(200).json["only"], "here");
    rig.get("/foo-bar.nothing").await.expect(404);
    rig.get("/foobar.yml").await.expect(404);
}

#[tokio::test]
async fn a_malformed_key_is_a_bad_request() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.properties", "a[1=x\n")]);
    let rig = Rig::of_folder(folder.path()).await;
    assert_eq!(rig.get("/shop-dev.json").await.expect(400).json["status"], 400);
    rig.get("/shop/dev").await.expect(200);
}
