//! Tests of labels: the state that a branch, a tag or a commit names.

use souk_config_server::backend::{BackendError, GitConfig};

use crate::scratch::{Reader, Scratch, git, text};

#[tokio::test]
async fn branches_tags_and_commits_are_labels() {
    let scratch = Scratch::new(&[("shop.yml", "a: one")]);
    let first = scratch.head();
    scratch.git(&["tag", "v1"]);
    scratch.git(&["tag", "--annotate", "--message", "signed off", "v1-annotated"]);
    scratch.git(&["checkout", "--quiet", "-b", "feature/x"]);
    scratch.commit(&[("shop.yml", "a: feature")]);
    scratch.git(&["checkout", "--quiet", "main"]);
    let second = scratch.commit(&[("shop.yml", "a: two")]);
    // Changes that are not committed are invisible.
    std::fs::write(scratch.path().join("shop.yml"), "a: dirty").unwrap();

    let reader = Reader::of(&scratch.uri());
    for (label, expected) in [
        (None, "a: two"),
        (Some("main"), "a: two"),
        (Some("feature/x"), "a: feature"),
        (Some("v1"), "a: one"),
        (Some("v1-annotated"), "a: one"),
        (Some(first.as_str()), "a: one"),
        (Some(&first[..10]), "a: one"),
        (Some(first.to_uppercase().as_str()), "a: one"),
    ] {
        assert_eq!(reader.shop(label).await.unwrap(), expected, "{label:?}");
    }
    let snapshot = reader.snapshot(None).await.unwrap();
    assert_eq!((snapshot.version.as_deref(), snapshot.label.as_deref()), (Some(second.as_str()), Some("main")));
    assert_eq!(snapshot.locations[0].source_name("shop.yml"), format!("{}/shop.yml", scratch.uri()));
    let tree = git(scratch.path(), &["rev-parse", "HEAD^{tree}"]);
    for unknown in ["nothing", "feature", "HEAD~1", "main^", "main:shop.yml", "v1@{0}", "..", "../x", "", &tree, "0000"]
    {
        let answer = reader.snapshot(Some(unknown)).await;
        assert!(matches!(&answer, Err(BackendError::UnknownLabel(label)) if label == unknown), "{unknown}: {answer:?}");
    }
    assert_eq!(std::fs::read_to_string(scratch.path().join("shop.yml")).unwrap(), "a: dirty");
}

#[tokio::test]
async fn a_branch_wins_over_a_tag_of_the_same_name() {
    let scratch = Scratch::new(&[("shop.yml", "a: tagged")]);
    scratch.git(&["tag", "same"]);
    scratch.git(&["branch", "same"]);
    scratch.git(&["checkout", "--quiet", "refs/heads/same"]);
    let moved = scratch.commit(&[("shop.yml", "a: branch")]);
    scratch.git(&["branch", "--force", "same", &moved]);
    assert_eq!(Reader::of(&scratch.uri()).shop(Some("same")).await.unwrap(), "a: branch");
}

#[tokio::test]
async fn without_main_the_fallback_is_master() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    scratch.git(&["branch", "--move", "main", "master"]);
    let config = GitConfig { uri: scratch.path().display().to_string(), ..GitConfig::default() };
    let snapshot = Reader::new(&config).snapshot(None).await.unwrap();
    assert_eq!(snapshot.label.as_deref(), Some("master"));
    let strict = Reader::new(&GitConfig { try_master_branch: false, ..config.clone() });
    assert_eq!(strict.snapshot(None).await.unwrap_err(), BackendError::UnknownLabel("main".to_owned()));
    let other = Reader::new(&GitConfig { default_label: "stable".to_owned(), ..config });
    assert_eq!(other.snapshot(None).await.unwrap_err(), BackendError::UnknownLabel("stable".to_owned()));
}

#[tokio::test]
async fn a_forced_push_wins_and_its_time_does_not_go_back() {
    let scratch = Scratch::new(&[("shop.yml", "a: one")]);
    let first = scratch.head();
    let second = scratch.commit(&[("shop.yml", "a: two")]);
    let reader = Reader::of(&scratch.uri());
    let first_seen = |snapshot: &souk_config_server::backend::Snapshot| {
        snapshot.read(&snapshot.locations[0], "shop.yml").unwrap().unwrap().modified.unwrap().timestamp()
    };
    let before = reader.snapshot(None).await.unwrap();
    assert_eq!(before.version.as_deref(), Some(second.as_str()));
    assert_eq!(first_seen(&before), first_seen(&reader.snapshot(None).await.unwrap()));
    scratch.git(&["reset", "--quiet", "--hard", &first]);
    let after = reader.snapshot(None).await.unwrap();
    assert_eq!(after.version.as_deref(), Some(first.as_str()));
    assert!(first_seen(&after) > first_seen(&before));
    // A snapshot that was taken before still has the same files.
    assert_eq!(text(&before, "shop.yml").unwrap(), "a: two");
}

#[tokio::test]
async fn bare_repositories_worktrees_and_packed_ones_are_read_in_place() {
    let scratch = Scratch::new(&[("shop.yml", "a: 1")]);
    let folder = tempfile::tempdir().unwrap();
    let (bare, worktree) = (folder.path().join("bare.git"), folder.path().join("worktree"));
    scratch.git(&["clone", "--quiet", "--bare", "--shared", ".", bare.to_str().unwrap()]);
    scratch.git(&["worktree", "add", "--quiet", "-b", "other", worktree.to_str().unwrap()]);
    let packed = Scratch::new(&[("shop.yml", "a: 1")]);
    packed.git(&["gc", "--quiet"]);
    packed.git(&["pack-refs", "--all"]);
    for path in [bare.as_path(), worktree.as_path(), packed.path()] {
        assert_eq!(Reader::of(path.to_str().unwrap()).shop(None).await.unwrap(), "a: 1", "{}", path.display());
    }
    // One object is packed, another is not.
    let reader = Reader::of(&packed.uri());
    reader.shop(None).await.unwrap();
    packed.commit(&[("shop.yml", "a: 2")]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");
    packed.git(&["gc", "--quiet", "--prune=now"]);
    packed.commit(&[("other.yml", "b: 1")]);
    assert_eq!(reader.shop(None).await.unwrap(), "a: 2");
}
