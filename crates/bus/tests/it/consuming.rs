//! From queue to effect.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use souk_bus::{Consumer, Failure, Outcome, Received, Transport, inbox};
use souk_events::{StockReserved, queue};
use souk_sql::SqlError;
use souk_values::{Clock, Id, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Bench, eventually};

fn start(bench: &Bench, consumer: Consumer) -> CancellationToken {
    let stop = CancellationToken::new();
    tokio::spawn(consumer.run(Arc::new(bench.bus.clone()), stop.clone()));
    stop
}

async fn queued(bench: &Bench) -> usize {
    bench.bus.queued().await.unwrap().len()
}

#[tokio::test]
async fn each_event_is_handled_and_those_of_one_subject_in_their_order() {
    let bench = Bench::new().await;
    let seen: Arc<Mutex<HashMap<i64, Vec<uuid::Uuid>>>> = Arc::default();
    let envelopes: Vec<_> = (0..300).map(|n| bench.reserved(n % 20 + 1)).collect();
    bench.bus.publish(&envelopes).await.unwrap();
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(&seen, |seen, received: Received<StockReserved>| async move {
        tokio::task::yield_now().await;
        seen.lock().unwrap().entry(received.event.order_id.get()).or_default().push(received.event_id);
        Ok(Outcome::Applied)
    });
    let stop = start(&bench, consumer);
    eventually("all are handled", || async { queued(&bench).await == 0 }).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 300);
    assert!(seen.values().all(|ids| ids.is_sorted()), "event ids grow in the order they were told");
    stop.cancel();
}

#[tokio::test]
async fn an_engine_that_is_away_is_waited_for_and_nobody_is_blamed() {
    let bench = Bench::new().await;
    let is_back = Arc::new(AtomicBool::new(false));
    let tries = Arc::new(AtomicU32::new(0));
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    let state = (is_back.clone(), tries.clone());
    let consumer =
        Consumer::new(&queue::ORDER_STOCK).on(&state, |(is_back, tries), _: Received<StockReserved>| async move {
            tries.fetch_add(1, Ordering::SeqCst);
            if is_back.load(Ordering::SeqCst) {
                Ok(Outcome::Applied)
            } else {
                Err(Failure::Unavailable("the store is away".into()))
            }
        });
    let stop = start(&bench, consumer);
    eventually("it was tried three times", || async { tries.load(Ordering::SeqCst) >= 3 }).await;
    is_back.store(true, Ordering::SeqCst);
    eventually("it was handled", || async { queued(&bench).await == 0 }).await;
    assert!(bench.bus.dead_letters(None).await.unwrap().is_empty());
    stop.cancel();
}

#[tokio::test]
async fn the_inbox_knows_an_event_again_and_only_in_the_transaction_that_commits() {
    let bench = Bench::new().await;
    let id = bench.reserved(1).id;
    let now = bench.clock.now();
    let record = |then: Result<(), SqlError>| {
        bench.db.write((id, then), move |tx, (id, then)| {
            Box::pin(async move {
                let is_first = inbox::first_time(tx, "order.stock", *id, now).await?;
                then.clone().map(|()| is_first)
            })
        })
    };
    assert!(record(Err(SqlError::Constraint("the effect failed".into()))).await.is_err());
    assert!(record(Ok(())).await.unwrap(), "what was rolled back was not received");
    assert!(!record(Ok(())).await.unwrap(), "a duplicate is known");
    assert_eq!(inbox::forget_old(&bench.db, now).await.unwrap(), 0);
    let later = Timestamp::from_millis(now.millis()).plus(inbox::REMEMBERED * 2);
    assert_eq!(inbox::forget_old(&bench.db, later).await.unwrap(), 1);
}
