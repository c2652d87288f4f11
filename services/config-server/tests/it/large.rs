//! Test of the response time with a repository of 10,000 files.

use std::time::{Duration, Instant};

use crate::{
    repository::Repository,
    rig::{Rig, write},
};

const MAX_MEDIAN: Duration = Duration::from_millis(50);

#[tokio::test]
async fn ten_thousand_files_do_not_slow_requests() {
    let files: Vec<(String, String)> = (0..10_000)
        .map(|number| (format!("team{}/app{number}.yml", number % 20), format!("number: {number}\n")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let repository = Repository::new(&files);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    repository.commit(&[("shop.yml", "a: 1\n"), ("shop-dev.yml", "b: 2\n")]);
    write(folder.path(), &[("shop.yml", "a: 1\n"), ("shop-dev.yml", "b: 2\n")]);
    for rig in [Rig::of_git(repository.path()).await, Rig::of_folder(folder.path()).await] {
        for path in ["/shop/dev", "/shop-dev.yml", "/shop/dev/main/team7/app7.yml"] {
            rig.get(path).await.expect(200);
            let mut times = Vec::new();
            for _ in 0..9 {
                let started = Instant::now();
                rig.get(path).await.expect(200);
                times.push(started.elapsed());
            }
            times.sort();
            // The median, because a single request may have waited for a busy machine.
            assert!(times[4] <= MAX_MEDIAN, "{path}: {times:?}");
        }
    }
}
