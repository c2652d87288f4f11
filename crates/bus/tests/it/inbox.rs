//! The inbox of a consumer.

use std::time::Duration;

use souk_bus::{Cause, inbox};
use souk_sql::SqlError;
use souk_values::{Clock, Timestamp};
use uuid::Uuid;

use crate::Bench;

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn the_inbox_detects_duplicates_of_committed_events_only() {
    let bench = Bench::local().await;
    let id = bench.reserved(1).id;
    let now = bench.clock.now();
    let record = |then: Result<(), SqlError>| {
        bench.db.write((id, then), move |tx, (id, then)| {
            Box::pin(async move {
                let is_first = inbox::record(tx, "order.stock", *id, now).await?;
                then.clone().map(|()| is_first)
            })
        })
    };
    assert!(record(Err(SqlError::Constraint("the effect failed".into()))).await.is_err());
    assert!(record(Ok(())).await.unwrap(), "what was rolled back was not received");
    assert!(!record(Ok(())).await.unwrap(), "a duplicate is known");
    assert_eq!(inbox::purge_old(&bench.db, now).await.unwrap(), 0);
    let later = Timestamp::from_millis(now.millis()).plus(inbox::RETENTION * 2);
    assert_eq!(inbox::purge_old(&bench.db, later).await.unwrap(), 1);
}

#[tokio::test]
async fn of_several_events_only_the_new_ones_are_returned() {
    let bench = Bench::local().await;
    let now = bench.clock.now();
    let record = async |ids: &[u128]| {
        let causes: Vec<Cause> =
            ids.iter().map(|id| Cause { queue: "order.stock", event_id: Uuid::from_u128(*id) }).collect();
        let recording = bench.db.write(causes, move |tx, causes| {
            Box::pin(async move { inbox::record_all(tx, causes.iter().copied(), now).await })
        });
        let new: Result<_, SqlError> = recording.await;
        new.unwrap().iter().map(|cause| cause.event_id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(record(&[7, 3, 7]).await, [3, 7]);
    assert_eq!(record(&[7, 8, 3, 9]).await, [8, 9]);
    assert_eq!(record(&[7]).await, [0; 0]);
    assert_eq!(record(&[7, 8]).await, [0; 0]);
    assert_eq!(record(&[1]).await, [1]);
    assert_eq!(record(&[]).await, [0; 0]);
    let of_another_queue = Cause { queue: "cart.orders", event_id: Uuid::from_u128(7) };
    let causes = [of_another_queue, Cause { queue: "order.stock", ..of_another_queue }];
    let new = bench.db.write(causes, move |tx, causes| Box::pin(inbox::record_all(tx, *causes, now)));
    let new: Result<_, SqlError> = new.await;
    assert_eq!(new.unwrap().into_iter().collect::<Vec<_>>(), [of_another_queue]);
}

/// Records events with ids from `first` on, received the given numbers of milliseconds before `now`.
async fn record_old(bench: &Bench, now: Timestamp, first: u128, ages_ms: Vec<u64>) {
    let ids = (first..).map(Uuid::from_u128);
    let received = ages_ms.into_iter().map(|age| now.minus(Duration::from_millis(age)));
    let events: Vec<(Uuid, Timestamp)> = ids.zip(received).collect();
    bench
        .db
        .write(events, |tx, events| {
            Box::pin(async move {
                for (id, at) in events {
                    inbox::record(tx, "order.stock", *id, *at).await?;
                }
                Ok::<_, SqlError>(())
            })
        })
        .await
        .unwrap();
}

/// An inbox that forgets too early applies a redelivered event twice.
#[tokio::test]
async fn an_event_is_forgotten_after_the_retention_and_not_before() {
    let bench = Bench::local().await;
    let now = bench.clock.now();
    let received = |id: u128, at: Timestamp| {
        bench.db.write(Uuid::from_u128(id), move |tx, id| Box::pin(inbox::record(tx, "order.stock", *id, at)))
    };
    for (id, at) in [(1, now), (2, now.minus(inbox::RETENTION)), (3, now.minus(inbox::RETENTION).minus(MILLI))] {
        assert!(received(id, at).await.unwrap());
    }
    assert_eq!(inbox::purge_old(&bench.db, now).await.unwrap(), 1);
    assert!(!received(1, now).await.unwrap() && !received(2, now).await.unwrap(), "these are duplicates");
    assert!(received(3, now).await.unwrap(), "this one is old");
    assert_eq!(inbox::purge_old(&bench.db, now).await.unwrap(), 0);
}

/// The purge deletes about a thousand rows at a time.
#[tokio::test]
async fn all_old_events_are_purged_in_batches_and_no_other() {
    let retention = u64::try_from(inbox::RETENTION.as_millis()).unwrap();
    let distinct: Vec<u64> = (1..=2_500).map(|age| retention + age).collect();
    let of_one_instant = vec![retention + 7; 2_500];
    let mixed: Vec<u64> = (1..=500).chain([600; 1_500]).chain(700..=1_200).map(|age| retention + age).collect();
    for old in [distinct, of_one_instant, mixed] {
        let bench = Bench::local().await;
        let now = bench.clock.now();
        let count = u64::try_from(old.len()).unwrap();
        record_old(&bench, now, 1, (0..1_100).map(|age| retention - age).collect()).await;
        record_old(&bench, now, 1_000_000, old).await;
        assert_eq!(inbox::purge_old(&bench.db, now).await.unwrap(), count);
        assert_eq!(inbox::purge_old(&bench.db, now.plus(MILLI)).await.unwrap(), 1, "those at the bound are kept");
    }
}
