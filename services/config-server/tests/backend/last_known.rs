//! Tests of the refresh rate, and of the last known state that is served when a repository is gone.

use std::time::Duration;

use souk_config_server::backend::{Backend, BackendError, GitConfig};

use crate::scratch::{Reader, Scratch, text};

#[tokio::test]
async fn a_repository_is_refreshed_as_often_as_configured() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let rated = |refresh_rate| Reader::new(&GitConfig { uri: scratch.uri(), refresh_rate, ..GitConfig::default() });
    let (always, each_minute, never) = (rated(0), rated(60), rated(-1));
    for reader in [&always, &each_minute, &never] {
        assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    }
    scratch.commit(&[("shop.yml", "a: 2")]);
    assert_eq!(always.shop(None).await.unwrap(), "a: 2");
    assert_eq!(each_minute.shop(None).await.unwrap(), "a: 1");
    each_minute.clock.advance(Duration::from_secs(55));
    assert_eq!(each_minute.shop(None).await.unwrap(), "a: 1");
    each_minute.clock.advance(Duration::from_secs(5));
    assert_eq!(each_minute.shop(None).await.unwrap(), "a: 2");
    never.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(never.shop(None).await.unwrap(), "a: 1");
}

#[tokio::test]
async fn a_repository_that_vanished_is_served_as_it_was_last_known() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1"), ("never-read.yml", "b: 1")]);
    scratch.git(&["branch", "other"]);
    let reader = Reader::of(&scratch.uri());
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    assert!(reader.backend.warnings().is_empty());

    let elsewhere = scratch.path().with_extension("elsewhere");
    std::fs::rename(scratch.path(), &elsewhere).unwrap();
    let snapshot = reader.snapshot(None).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "a: 1");
    // A file that no request has read before, and another label.
    assert_eq!(text(&snapshot, "never-read.yml").unwrap(), "b: 1");
    assert_eq!(reader.shop(Some("other")).await.unwrap(), "a: 1");
    assert!(matches!(reader.snapshot(Some("nothing")).await, Err(BackendError::UnknownLabel(_))));
    assert_eq!(reader.backend.probe().await, Ok(()));
    assert!(reader.backend.warnings()[0].contains(&scratch.uri()), "{:?}", reader.backend.warnings());

    std::fs::rename(&elsewhere, scratch.path()).unwrap();
    scratch.commit(&[("shop.yml", "a: 2")]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");
    assert!(reader.backend.warnings().is_empty());
}

#[tokio::test]
async fn a_repository_that_was_deleted_for_good_is_still_served_after_a_restart() {
    let basedir = tempfile::tempdir().unwrap();
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let config = GitConfig { uri: scratch.uri(), basedir: basedir.path().join("copies"), ..GitConfig::default() };
    let reader = Reader::new(&config);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
    drop(scratch);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");

    let second = Reader::new(&config);
    let error = second.shop(None).await.unwrap_err().to_string();
    assert!(error.contains("give each its own basedir"), "{error}");
    drop(reader);
    assert_eq!(Reader::new(&config).shop(None).await.unwrap(), "a: 1");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&config.basedir).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_missing_repository_is_reported_and_read_once_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repository");
    let reader = Reader::of(path.to_str().unwrap());
    let error = reader.shop(None).await.unwrap_err();
    assert!(matches!(&error, BackendError::Unusable(text) if text.contains("repository")), "{error}");
    assert_eq!(reader.backend.probe().await.unwrap_err().len(), 1);
    assert!(reader.backend.prepare().await.is_ok(), "no repository is to be cloned on start");

    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    std::fs::rename(scratch.path(), &path).unwrap();
    assert_eq!(reader.shop(None).await.unwrap(), "a: 1");
}

#[tokio::test]
async fn leftovers_of_a_killed_process_do_no_harm() {
    let basedir = tempfile::tempdir().unwrap();
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let config = GitConfig { uri: scratch.uri(), basedir: basedir.path().to_owned(), ..GitConfig::default() };
    assert_eq!(Reader::new(&config).shop(None).await.unwrap(), "a: 1");
    let copy = std::fs::read_dir(basedir.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    std::fs::write(copy.unwrap().join("packed-refs.lock"), "").unwrap();
    scratch.commit(&[("shop.yml", "a: 2")]);
    assert_eq!(Reader::new(&config).shop(None).await.unwrap(), "a: 2");
}
