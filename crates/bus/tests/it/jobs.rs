//! Runs of periodic jobs, claimed in the table that every service's migrations make.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use souk_sql::{Access, Db, claim_job};
use souk_testkit::{engine::Stores, on_engines};
use souk_values::{Clock, SystemClock, Timestamp};

use crate::{Bench, Tables};

const HOUR: Duration = Duration::from_secs(3_600);
const MILLI: Duration = Duration::from_millis(1);

async fn claims(db: &Db, at: Timestamp) -> bool {
    claim_job(db, "purge", at, HOUR).await.unwrap()
}

/// Claims with each of `replicas` at the same moment, again and again.
async fn one_of_many_claims(replicas: Vec<Db>) {
    let mut now = SystemClock.now();
    for _ in 0..10 {
        let claims = replicas.iter().cloned().map(|db| tokio::spawn(async move { claims(&db, now).await }));
        let claims = join_all(claims).await;
        assert_eq!(claims.into_iter().filter(|claim| *claim.as_ref().unwrap()).count(), 1);
        now = now.plus(HOUR);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_replicas_one_claims_a_run() {
    let bench = Bench::local().await;
    one_of_many_claims(vec![bench.db.clone(); 16]).await;
    if on_engines() {
        for service in ["order", "product"] {
            let stores = Stores::new();
            let open = async || Db::open(&stores.url(service), Access::ReadWrite).await.unwrap();
            let replicas = [open().await, open().await, open().await];
            replicas[0].migrate::<Tables>().await.unwrap();
            one_of_many_claims(replicas.iter().cycle().take(12).cloned().collect()).await;
        }
    }
}

#[tokio::test]
async fn a_job_runs_again_after_its_period_and_not_before() {
    let bench = Bench::local().await;
    let (db, began) = (&bench.db, bench.clock.now());
    assert!(claims(db, began).await);
    assert!(!claims(db, began).await);
    assert!(!claims(db, began.plus(HOUR).minus(MILLI)).await);
    assert!(claim_job(db, "another", began, HOUR).await.unwrap(), "each job has runs of its own");
    assert!(claims(db, began.plus(HOUR)).await);
    assert!(!claims(db, began.plus(HOUR)).await);
    // A replica whose clock is a little behind.
    assert!(!claims(db, began.plus(HOUR / 2)).await);
}

#[tokio::test]
async fn a_run_at_a_wrong_time_in_the_future_does_not_stop_the_job() {
    let bench = Bench::local().await;
    let (db, now) = (&bench.db, bench.clock.now());
    assert!(claims(db, now.plus(HOUR * 24 * 365)).await);
    assert!(claims(db, now).await);
    assert!(!claims(db, now.plus(MILLI)).await);
}

/// A claim whose transaction is not the only one of its group is on disk as any other.
#[tokio::test]
async fn a_claim_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/service.db", folder.path().display());
    let now = SystemClock.now();
    let open = async || Arc::new(Db::open(&url, Access::ReadWrite).await.unwrap());
    let before = open().await;
    before.migrate::<Tables>().await.unwrap();
    assert!(claims(&before, now).await);
    drop(before);
    assert!(!claims(&*open().await, now.plus(HOUR / 2)).await, "a start is no reason to run");
}
