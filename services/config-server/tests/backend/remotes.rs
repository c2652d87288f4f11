//! Tests of repositories that are fetched over the network: smart HTTP, and Git's own protocol.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use souk_config_server::backend::{Backend, BackendError, GitConfig};
use souk_testkit::eventually;
use souk_values::Secret;

use crate::{
    scratch::{Reader, Scratch, names, text},
    served::{Daemon, HttpRemote, PASSWORD, USER},
};

#[tokio::test]
async fn a_remote_is_fetched_for_every_request_and_its_state_always_wins() {
    let scratch = Scratch::new(&[("shop.yml", "a: one"), ("config/shop.yml", "b: 1")]);
    let first = scratch.head();
    let remote = HttpRemote::start(scratch.path(), false).await;
    let reader =
        Reader::new(&GitConfig { uri: remote.uri(), search_paths: vec!["config".to_owned()], ..GitConfig::default() });
    let snapshot = reader.snapshot(None).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "a: one");
    assert_eq!(snapshot.version.as_deref(), Some(first.as_str()));
    assert_eq!(names(&snapshot)[1], format!("{}/config/shop.yml", remote.uri()));

    scratch.commit(&[("shop.yml", "a: two")]);
    scratch.git(&["tag", "v2"]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: two");
    assert_eq!(reader.shop(Some("v2")).await.unwrap(), "a: two");
    // A forced push, and a tag that moves.
    scratch.git(&["reset", "--quiet", "--hard", &first]);
    scratch.commit(&[("shop.yml", "a: forced")]);
    scratch.git(&["tag", "--force", "v2"]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: forced");
    assert_eq!(reader.shop(Some("v2")).await.unwrap(), "a: forced");
    assert_eq!(reader.shop(Some(&first[..12])).await.unwrap(), "a: one");
    assert_eq!(remote.listings.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn branches_may_replace_others_and_removed_ones_are_deleted_if_configured() {
    let scratch = Scratch::new(&[("shop.yml", "a: main")]);
    scratch.git(&["branch", "feature"]);
    scratch.git(&["branch", "gone"]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    let config = GitConfig { uri: remote.uri(), ..GitConfig::default() };
    let keeping = Reader::new(&config);
    let deleting = Reader::new(&GitConfig { delete_untracked_branches: true, ..config });
    for reader in [&keeping, &deleting] {
        assert_eq!(reader.shop(Some("feature")).await.unwrap(), "a: main");
    }
    scratch.git(&["branch", "--delete", "--force", "feature", "gone"]);
    scratch.git(&["checkout", "--quiet", "-b", "feature/x"]);
    scratch.commit(&[("shop.yml", "a: x")]);
    for reader in [&keeping, &deleting] {
        assert_eq!(reader.shop(Some("feature/x")).await.unwrap(), "a: x");
        assert!(matches!(reader.shop(Some("feature")).await, Err(BackendError::UnknownLabel(_))));
    }
    assert_eq!(keeping.shop(Some("gone")).await.unwrap(), "a: main");
    assert!(matches!(deleting.shop(Some("gone")).await, Err(BackendError::UnknownLabel(_))));
}

#[tokio::test]
async fn many_small_pushes_leave_no_packs() {
    let scratch = Scratch::new(&[("shop.yml", "a: 0")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    let basedir = tempfile::tempdir().unwrap();
    let basedir = basedir.path().to_owned();
    let reader = Reader::new(&GitConfig { uri: remote.uri(), basedir: basedir.clone(), ..GitConfig::default() });
    for number in 0..10 {
        let expected = format!("a: {number}");
        scratch.commit(&[("shop.yml", &expected)]);
        assert_eq!(reader.shop(None).await.unwrap(), expected);
    }
    let copy =
        std::fs::read_dir(basedir).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let packs: Vec<_> = std::fs::read_dir(copy.join("objects/pack")).unwrap().collect();
    assert!(packs.is_empty(), "{packs:?}");
}

#[tokio::test]
async fn concurrent_requests_share_a_fetch() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    let reader = Reader::of(&remote.uri());
    let answers = futures::future::join_all((0..50).map(|_| reader.shop(None))).await;
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("a: 1")), "{answers:?}");
    assert_eq!(remote.listings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn credentials_are_sent_to_the_remote_and_never_shown() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), true).await;
    let configured = GitConfig {
        uri: remote.uri(),
        username: USER.to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
        ..GitConfig::default()
    };
    let in_uri = format!("http://{USER}:{}@{}/.git", PASSWORD.replace('@', "%40"), remote.address);
    for config in [configured.clone(), GitConfig { uri: in_uri, ..GitConfig::default() }] {
        let reader = Reader::new(&config);
        let snapshot = reader.snapshot(None).await.unwrap();
        assert_eq!(text(&snapshot, "shop.yml").unwrap(), "a: 1");
        assert_eq!(names(&snapshot), [format!("{}/shop.yml", remote.uri())]);
        remote.fails.store(true, Ordering::SeqCst);
        reader.snapshot(None).await.unwrap();
        let shown =
            format!("{snapshot:?} {:?} {:?} {reader:?} {config:?}", reader.backend.uris(), reader.backend.warnings());
        assert!(shown.contains("503"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
        remote.fails.store(false, Ordering::SeqCst);
    }
    for password in ["wrong-password", ""] {
        let reader = Reader::new(&GitConfig { password: Secret::new(password.to_owned()), ..configured.clone() });
        let error = reader.snapshot(None).await.unwrap_err().to_string();
        assert!(error.contains(&remote.uri()) && !error.contains("wrong-password"), "{error}");
    }
    let error = Reader::of(&remote.uri()).snapshot(None).await.unwrap_err().to_string();
    assert!(error.contains(&remote.uri()), "{error}");
}

#[tokio::test]
async fn a_remote_that_hangs_or_fails_is_served_as_it_was_last_known() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    let reader = Reader::new(&GitConfig { uri: remote.uri(), timeout: 1, ..GitConfig::default() });
    let other = Reader::of(&scratch.uri());
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    remote.hangs.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let (hanging, unaffected) = tokio::join!(reader.shop(None), other.shop(None));
    assert_eq!((hanging.unwrap().as_str(), unaffected.unwrap().as_str()), ("a: 1", "a: 1"));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(reader.backend.warnings().len(), 1);
    // Once it is known to hang, requests wait only briefly.
    let begun = Instant::now();
    for _ in 0..4 {
        assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    remote.hangs.store(false, Ordering::SeqCst);
    scratch.commit(&[("shop.yml", "a: 2")]);
    eventually("the new state is read", async || reader.shop(None).await.unwrap() == "a: 2").await;
    assert!(reader.backend.warnings().is_empty());
}

#[tokio::test]
async fn a_remote_that_cannot_be_reached_is_reported_at_start() {
    let unreachable = GitConfig {
        uri: "http://joe:s3cret@127.0.0.1:9/x".to_owned(),
        timeout: 1,
        clone_on_start: true,
        ..GitConfig::default()
    };
    let error = Reader::new(&unreachable).backend.prepare().await.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:9/x") && !error.contains("s3cret"), "{error}");
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    let reader = Reader::new(&GitConfig { uri: remote.uri(), clone_on_start: true, refresh_rate: -1, ..unreachable });
    reader.backend.prepare().await.unwrap();
    remote.fails.store(true, Ordering::SeqCst);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
}

#[tokio::test]
async fn an_empty_remote_has_no_labels() {
    let folder = tempfile::tempdir().unwrap();
    crate::scratch::git(folder.path(), &["init", "--quiet"]);
    let remote = HttpRemote::start(folder.path(), false).await;
    for uri in [remote.uri(), folder.path().display().to_string()] {
        assert_eq!(Reader::of(&uri).snapshot(None).await.unwrap_err(), BackendError::UnknownLabel("main".to_owned()));
    }
}

#[tokio::test]
async fn a_git_daemon_is_fetched_from_and_a_silent_one_times_out() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let daemon = Daemon::start(scratch.path());
    let reader = Reader::of(&daemon.uri);
    eventually("the daemon answers", async || reader.shop(None).await.is_ok()).await;
    scratch.commit(&[("shop.yml", "a: 2")]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");
    drop(daemon);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("git://{}/x", silent.local_addr().unwrap());
    let begun = Instant::now();
    let error = Reader::new(&GitConfig { uri, timeout: 1, ..GitConfig::default() }).snapshot(None).await.unwrap_err();
    assert!(matches!(error, BackendError::Unusable(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_request_after_a_webhook_is_not_answered_from_a_fetch_before_the_push() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let remote = HttpRemote::start(scratch.path(), false).await;
    // It fetches again only after a webhook.
    let reader =
        std::sync::Arc::new(Reader::new(&GitConfig { uri: remote.uri(), refresh_rate: -1, ..GitConfig::default() }));
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    remote.holds.send_replace(true);
    reader.backend.expire();
    let earlier_reader = reader.clone();
    let earlier = tokio::spawn(async move { earlier_reader.shop(None).await });
    eventually("the remote holds back its response", async || remote.held.load(Ordering::SeqCst) > 0).await;
    scratch.commit(&[("shop.yml", "a: 2")]);
    reader.backend.expire();
    let (later, _) = tokio::join!(reader.shop(None), async { remote.holds.send_replace(false) });
    assert_eq!(later.unwrap(), "a: 2");
    assert_eq!(earlier.await.unwrap().unwrap(), "a: 1");
    let listings = remote.listings.load(Ordering::SeqCst);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");
    assert_eq!(remote.listings.load(Ordering::SeqCst), listings, "it is fetched once");
}
