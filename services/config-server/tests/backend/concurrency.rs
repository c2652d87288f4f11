//! Tests of concurrent requests and of large repositories.

use std::{fmt::Write as _, time::Instant};

use crate::scratch::{Reader, Scratch, text};

/// Each label's commit has the label in two files, so that a mixture would be noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_for_different_labels_never_see_each_others_files() {
    const LABELS: usize = 8;
    let scratch = Scratch::new(&[("shop.yml", "main"), ("same.yml", "the same everywhere")]);
    let mut commits = Vec::new();
    for number in 0..LABELS {
        let label = format!("label/{number}");
        scratch.git(&["checkout", "--quiet", "-b", &label, "main"]);
        commits.push(scratch.commit(&[("shop.yml", &label), ("deep/folder/other.yml", &label)]));
    }
    let reader = std::sync::Arc::new(Reader::of(&scratch.uri()));
    let mut tasks = Vec::new();
    for (number, commit) in commits.into_iter().enumerate() {
        let reader = reader.clone();
        tasks.push(tokio::spawn(async move {
            let label = format!("label/{number}");
            for _ in 0..200 {
                let snapshot = reader.snapshot(Some(&label)).await.unwrap();
                assert_eq!(snapshot.version.as_deref(), Some(commit.as_str()));
                assert_eq!(text(&snapshot, "shop.yml").unwrap(), label);
                tokio::task::yield_now().await;
                assert_eq!(text(&snapshot, "deep/folder/other.yml").unwrap(), label);
                assert_eq!(text(&snapshot, "same.yml").unwrap(), "the same everywhere");
            }
        }));
    }
    // Meanwhile, other clients start requests and disconnect.
    for number in 0_u64..200 {
        let label = format!("label/{}", number % 8);
        let snapshot = reader.snapshot(Some(&label));
        let _ = tokio::time::timeout(std::time::Duration::from_micros(number * 10), snapshot).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_files_do_not_make_a_request_slow() {
    let scratch = Scratch::new(&[]);
    let mut stream = "commit refs/heads/main\ncommitter t <t@example.com> 1700000000 +0000\ndata 1\nx\n".to_owned();
    for number in 0..10_000 {
        let text = format!("number: {number}\n");
        let _ = write!(stream, "M 100644 inline app-{number}.yml\ndata {}\n{text}\n", text.len());
    }
    let input = scratch.path().join("stream");
    std::fs::write(&input, stream).unwrap();
    scratch.git(&["checkout", "--quiet", "--detach"]);
    let mut import = std::process::Command::new("git");
    import.current_dir(scratch.path()).args(["fast-import", "--quiet", "--force"]);
    assert!(import.stdin(std::fs::File::open(input).unwrap()).status().unwrap().success());

    let reader = Reader::of(&scratch.uri());
    let one_request = async || {
        let snapshot = reader.snapshot(None).await.unwrap();
        for stem in ["app-7777", "app-7777-dev", "application", "application-dev"] {
            for extension in ["properties", "yml", "yaml", "xml"] {
                let found = text(&snapshot, &format!("{stem}.{extension}"));
                assert_eq!(found.is_some(), (stem, extension) == ("app-7777", "yml"));
            }
        }
    };
    let cold = Instant::now();
    one_request().await;
    let cold = cold.elapsed();
    let mut warm: Vec<_> = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        one_request().await;
        warm.push(begun.elapsed());
    }
    warm.sort();
    println!("10,000 files: cold {cold:?}, warm median {:?}, slowest {:?}", warm[10], warm[19]);
    assert!(warm[10].as_millis() <= 50, "{warm:?}");
}
