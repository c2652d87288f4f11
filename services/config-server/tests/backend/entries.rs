//! Tests of several repositories, placeholders, and folders within repositories.

use std::{sync::atomic::Ordering, time::Duration};

use souk_config_server::backend::{Backend, BackendError, GitConfig, RepositoryConfig};

use souk_testkit::eventually;

use crate::{
    scratch::{Reader, Scratch, names, snapshot_of, text},
    served::HttpRemote,
};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn search_paths_follow_the_root_in_their_order() {
    let scratch = Scratch::new(&[
        ("shop.yml", "root"),
        ("bar2/shop.yml", "b2"),
        ("bar1/shop.yml", "b1"),
        ("barfile", "is not a folder"),
        ("shop/dev/shop.yml", "both"),
        ("shop/db/shop.yml", "db"),
        ("*/shop.yml", "a folder called star"),
    ]);
    let search_paths = owned(&["bar*", "/{application}/{profile}/", "missing", "shop/./db"]);
    let reader = Reader::new(&GitConfig { uri: scratch.uri(), search_paths, ..GitConfig::default() });
    let name = |folder: &str| format!("{}/{folder}shop.yml", scratch.uri());
    let snapshot = snapshot_of(&*reader.backend, &["shop"], &["dev", "db"], None).await.unwrap();
    assert_eq!(names(&snapshot), [name(""), name("bar1/"), name("bar2/"), name("shop/dev/"), name("shop/db/")]);
    let last = snapshot.locations.last().unwrap();
    assert_eq!(snapshot.read(last, "shop.yml").unwrap().unwrap().bytes, "db");
    // The name of an application is not a wildcard.
    let star = snapshot_of(&*reader.backend, &["*"], &["dev"], None).await.unwrap();
    assert_eq!(names(&star), [name(""), name("bar1/"), name("bar2/"), name("shop/db/")]);
    for evil in ["..", "../..", ".git", "/etc"] {
        let answer = snapshot_of(&*reader.backend, &[evil], &["dev"], None).await;
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}");
    }
}

#[tokio::test]
async fn the_first_repository_that_matches_and_has_the_label_wins() {
    let whole = Scratch::new(&[("shop.yml", "whole")]);
    let special = Scratch::new(&[("shop.yml", "special"), ("config/shop.yml", "in a folder")]);
    special.git(&["branch", "only-here"]);
    whole.git(&["branch", "only-there"]);
    let entry = |uri: String, pattern: &[&str]| RepositoryConfig {
        uri,
        pattern: owned(pattern),
        search_paths: Some(owned(&["config"])),
        ..RepositoryConfig::default()
    };
    let config = GitConfig {
        uri: whole.uri(),
        repos: [
            ("a-broken".to_owned(), entry("/nowhere/at/all".to_owned(), &["shop*/dev"])),
            ("special".to_owned(), entry(special.uri(), &["shop*/dev"])),
        ]
        .into(),
        ..GitConfig::default()
    };
    let reader = Reader::new(&config);
    let read = async |application: &str, profiles: &[&str], label: Option<&str>| {
        text(&snapshot_of(&*reader.backend, &[application], profiles, label).await.unwrap(), "shop.yml").unwrap()
    };
    assert_eq!(read("shop", &["dev"], None).await, "special");
    assert_eq!(read("shop-api", &["dev", "db"], Some("only-here")).await, "special");
    assert_eq!(read("shop", &["dev"], Some("only-there")).await, "whole");
    assert_eq!(read("shop", &["prod"], None).await, "whole");
    assert_eq!(read("other", &["dev"], None).await, "whole");
    let snapshot = snapshot_of(&*reader.backend, &["shop"], &["dev"], None).await.unwrap();
    assert_eq!(names(&snapshot)[1], format!("{}/config/shop.yml", special.uri()));
    assert_eq!(reader.backend.uris(), ["/nowhere/at/all".to_owned(), special.uri(), whole.uri()]);
    let wrong = reader.backend.probe().await.unwrap_err();
    assert!(wrong.len() == 1 && wrong[0].contains("/nowhere/at/all"), "{wrong:?}");
}

#[tokio::test]
async fn a_uri_with_placeholders_is_a_repository_for_each_value() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["shop", "cart"] {
        let scratch = Scratch::new(&[("shop.yml", name)]);
        std::fs::rename(scratch.path(), folder.path().join(name)).unwrap();
    }
    let reader = Reader::of(&format!("file://{}/{{application}}", folder.path().display()));
    let shop = snapshot_of(&*reader.backend, &["shop"], &["dev"], None).await.unwrap();
    assert_eq!(text(&shop, "shop.yml").unwrap(), "shop");
    let both = snapshot_of(&*reader.backend, &["shop", "cart"], &["dev", "db"], None).await.unwrap();
    let base = format!("file://{}", folder.path().display());
    assert_eq!(names(&both), [format!("{base}/shop/shop.yml"), format!("{base}/cart/shop.yml")]);
    assert_eq!(both.version.unwrap().len(), 81);
    assert!(matches!(snapshot_of(&*reader.backend, &["none"], &["dev"], None).await, Err(BackendError::Unusable(_))));
    for evil in ["..", "../shop", "shop/../cart", "a b", "-x"] {
        let answer = snapshot_of(&*reader.backend, &[evil], &["dev"], None).await;
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}: {answer:?}");
    }
    let many: Vec<String> = (0..100).map(|number| format!("shop{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(snapshot_of(&*reader.backend, &many, &["dev"], None).await, Err(BackendError::Refused(_))));
    // Far more than are kept open.
    for number in 0..300 {
        assert!(snapshot_of(&*reader.backend, &[&format!("none{number}")], &["dev"], None).await.is_err());
    }
    assert!(snapshot_of(&*reader.backend, &["shop"], &["dev"], None).await.is_ok());
}

#[tokio::test]
async fn symbolic_links_stay_within_their_location() {
    let scratch = Scratch::new(&[("v1/shop.yml", "one"), ("v1/deep/x.yml", "x"), ("secret.yml", "secret")]);
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, scratch.path().join(at)).unwrap();
    link("v1", "current");
    link("deep/x.yml", "v1/inside.yml");
    link("../v1/deep", "v1/leaves-and-comes-back");
    link("../secret.yml", "v1/escape.yml");
    link("..", "v1/up");
    link("/etc/passwd", "absolute.yml");
    link("../../../etc/passwd", "above.yml");
    link("round-b", "round-a");
    link("round-a", "round-b");
    scratch.commit(&[]);
    let search_paths = owned(&["current"]);
    let reader = Reader::new(&GitConfig { uri: scratch.uri(), search_paths, ..GitConfig::default() });
    let snapshot = reader.snapshot(None).await.unwrap();
    let [root, current] = snapshot.locations.as_slice() else { panic!("two locations") };
    let read = |location, path| snapshot.read(location, path).map(|file| file.map(|file| file.bytes));
    assert_eq!(read(current, "shop.yml").unwrap().unwrap(), "one");
    assert_eq!(read(current, "inside.yml").unwrap().unwrap(), "x");
    assert_eq!(read(root, "v1/escape.yml").unwrap().unwrap(), "secret");
    assert_eq!(read(root, "v1/deep").unwrap(), None);
    assert_eq!(read(root, "secret.yml/x").unwrap(), None);
    for (location, path) in [
        (current, "escape.yml"),
        (current, "up/secret.yml"),
        (current, "leaves-and-comes-back/x.yml"),
        (current, "../secret.yml"),
        (root, "absolute.yml"),
        (root, "above.yml"),
        (root, "round-a"),
        (root, "v1/../secret.yml"),
        (root, "/secret.yml"),
        (root, ".git/config"),
    ] {
        assert!(matches!(read(location, path), Err(BackendError::Refused(_))), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    scratch.commit(&[("large.yml", &"x".repeat(16 * 1024 * 1024 + 1))]);
    let snapshot = Reader::of(&scratch.uri()).snapshot(None).await.unwrap();
    let answer = snapshot.read(&snapshot.locations[0], "large.yml").map(|file| file.map(|file| file.bytes.len()));
    assert!(matches!(answer, Err(BackendError::Refused(_))), "{answer:?}");
}

#[tokio::test]
async fn repositories_that_hang_do_not_delay_those_of_other_entries() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    remote.hangs.store(true, Ordering::SeqCst);
    let entry = |uri: String, pattern: &str| RepositoryConfig { uri, pattern: owned(&[pattern]), ..Default::default() };
    let hanging = entry(format!("http://{}/{{application}}", remote.address), "hanging*");
    let working = entry(format!("{}/{{profile}}", scratch.path().parent().unwrap().display()), "shop");
    let repos = [("hanging".to_owned(), hanging), ("working".to_owned(), working)].into();
    let reader = Reader::new(&GitConfig { repos, ..GitConfig::default() });
    for number in 0..20 {
        let backend = reader.backend.clone();
        tokio::spawn(
            async move { snapshot_of(&*backend, &[&format!("hanging-{number}")], &["dev"], None).await.map(drop) },
        );
    }
    eventually("all permitted refreshes are waiting", async || remote.listings.load(Ordering::SeqCst) >= 8).await;
    let folder = scratch.path().file_name().unwrap().to_str().unwrap();
    let answer =
        tokio::time::timeout(Duration::from_secs(4), snapshot_of(&*reader.backend, &["shop"], &[folder], None)).await;
    assert_eq!(text(&answer.unwrap().unwrap(), "shop.yml").unwrap(), "a: 1");
}

#[tokio::test]
async fn missing_and_evicted_repositories_leave_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    std::fs::rename(scratch.path(), folder.path().join("shop")).unwrap();
    let basedir = tempfile::tempdir().unwrap();
    let uri = format!("{}/{{application}}", folder.path().display());
    let reader = Reader::new(&GitConfig { uri, basedir: basedir.path().to_owned(), ..GitConfig::default() });
    let file_count = || std::fs::read_dir(basedir.path()).unwrap().count();
    assert!(snapshot_of(&*reader.backend, &["none"], &["dev"], None).await.is_err());
    assert_eq!(file_count(), 0);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    assert_eq!(file_count(), 2, "a copy and its lock");
    for number in 0..256 {
        assert!(snapshot_of(&*reader.backend, &[&format!("none-{number}")], &["dev"], None).await.is_err());
    }
    assert_eq!(file_count(), 0);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
}
