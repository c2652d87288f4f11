//! Tests of labels: branches with a slash, tags, commits, several in one request, unknown ones, and concurrent
//! requests.

use std::sync::Arc;

use serde_json::json;

use crate::{
    repository::Repository,
    rig::{Rig, uri},
};

#[tokio::test]
async fn branches_tags_and_commits_are_labels() {
    let repository = Repository::new(&[("shop.yml", "a: first\n")]);
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "v1"]);
    let second = repository.commit(&[("shop.yml", "a: second\n")]);
    let feature = repository.branch("feature/x", &[("shop.yml", "a: feature\n")]);
    let rig = Rig::of_git(repository.path()).await;
    for (label, value, commit) in [
        ("", "second", &second),
        ("/main", "second", &second),
        ("/v1", "first", &first),
        (&format!("/{first}"), "first", &first),
        ("/feature(_)x", "feature", &feature),
        ("/feature%28_%29x", "feature", &feature),
        ("/feature%2Fx", "feature", &feature),
    ] {
        let answer = rig.get(&format!("/shop/dev{label}")).await.expect(200);
        assert_eq!((answer.value("a"), &answer.json["version"]), (&json!(value), &json!(commit)), "{label}");
    }
    assert_eq!(rig.get("/shop/dev/feature(_)x").await.json["label"], "feature/x");
    let unknown = rig.get("/shop/dev/nothing").await.expect(404);
    assert_eq!((&unknown.json["status"], &unknown.json["path"]), (&json!(404), &json!("/shop/dev/nothing")));
    for path in ["/nothing/shop-dev.yml", "/shop/dev/nothing/shop.yml"] {
        rig.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn several_labels_give_one_response() {
    let repository = Repository::new(&[("shop.yml", "a: main\n")]);
    let main = repository.git(&["rev-parse", "HEAD"]);
    let other = repository.branch("other", &[("shop.yml", "a: other\n")]);
    let rig = Rig::of_git(repository.path()).await;
    let answer = rig.get("/shop/dev/main,other").await.expect(200);
    assert_eq!(*answer.value("a"), "other");
    assert_eq!(answer.sources(), ["shop.yml (other)", "shop.yml (main)"]);
    assert_eq!(answer.json["version"], format!("{main},{other}"));
    assert_eq!(answer.json["label"], "main,other");
    rig.get("/shop/dev/main,none").await.expect(404);
}

#[tokio::test]
async fn a_configured_label_is_used_and_master_is_a_fallback() {
    let repository = Repository::new(&[("shop.yml", "a: 1\n")]);
    repository.branch("stable", &[("shop.yml", "a: stable\n")]);
    let rig = Rig::with(json!({"git": {"uri": uri(repository.path())}, "default_label": "stable"})).await;
    let answer = rig.get("/shop/dev").await.expect(200);
    assert_eq!((answer.value("a"), &answer.json["label"]), (&json!("stable"), &json!(null)));
    repository.git(&["branch", "--move", "main", "master"]);
    let rig = Rig::of_git(repository.path()).await;
    assert_eq!(*rig.get("/shop/dev").await.expect(200).value("a"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_readers_of_different_labels_never_see_a_mixture() {
    let repository = Repository::new(&[("shop.yml", "a: main\n")]);
    for number in 0..4 {
        let text = format!("label: b{number}\nlist: [b{number}, b{number}]\n");
        repository.branch(&format!("b{number}"), &[("shop.yml", &text), ("shop-dev.yml", &text), ("x.txt", &text)]);
    }
    let rig = Arc::new(Rig::of_git(repository.path()).await);
    let readers = (0..8).map(|reader| {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move {
            for round in 0..25 {
                let label = format!("b{}", (reader + round) % 4);
                let answer = rig.get(&format!("/shop/dev/{label}")).await.expect(200);
                let sources = answer.json["propertySources"].as_array().unwrap();
                assert_eq!(sources.len(), 2);
                for source in sources {
                    assert!(source["source"].as_object().unwrap().values().all(|value| *value == *label), "{answer:?}");
                }
                let file = rig.get(&format!("/shop/dev/{label}/x.txt")).await.expect(200);
                assert!(file.text.starts_with(&format!("label: {label}\n")), "{}", file.text);
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}
