//! The local bus keeps the next messages of a queue in memory, and the others in its store alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use souk_bus::{Consumer, Outcome, Received, Subscription, Verdict};
use souk_events::{Envelope, StockReserved, queue};
use uuid::Uuid;

use crate::Bench;

/// More than memory holds of one queue, twice.
const MANY: i64 = 2_500;

/// Takes `count` messages and acknowledges each, in batches as a consumer does.
async fn taken(subscription: &mut dyn Subscription, count: usize) -> Vec<Uuid> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(20), subscription.next(64));
        let deliveries = next.await.unwrap_or_else(|_| panic!("only {} of {count} arrived", taken.len())).unwrap();
        taken.extend(deliveries.iter().map(|delivery| delivery.envelope.id));
        let acks = deliveries.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect();
        subscription.settle(acks).await.unwrap();
    }
    taken
}

async fn nothing_else_arrives(subscription: &mut dyn Subscription) {
    let next = tokio::time::timeout(Duration::from_millis(200), subscription.next(64)).await;
    assert!(next.is_err(), "{next:?}");
}

fn envelopes(bench: &Bench) -> Vec<Envelope> {
    (1..=MANY).map(|order| bench.reserved(order)).collect()
}

/// Publishes in parts, as a relay does.
async fn publish(bench: &Bench, envelopes: &[Envelope]) {
    for part in envelopes.chunks(250) {
        bench.bus.publish(part).await.unwrap();
    }
}

fn ids(envelopes: &[Envelope]) -> Vec<Uuid> {
    envelopes.iter().map(|envelope| envelope.id).collect()
}

#[tokio::test]
async fn a_long_queue_is_delivered_once_and_in_order() {
    let bench = Bench::local().await;
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let first = bench.reserved(MANY + 1);
    bench.bus.publish(std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(taken(&mut *subscription, 1).await, [first.id]);
    let envelopes = envelopes(&bench);
    publish(&bench, &envelopes).await;
    assert_eq!(taken(&mut *subscription, envelopes.len()).await, ids(&envelopes));
    nothing_else_arrives(&mut *subscription).await;
}

/// While the consumer reads messages from the store, others are left there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_queue_that_grows_while_it_is_consumed_loses_nothing() {
    let bench = Bench::local().await;
    let envelopes = envelopes(&bench);
    let mut publishing = tokio::task::JoinSet::new();
    for part in envelopes.chunks(usize::try_from(MANY).unwrap() / 4) {
        let (bus, part) = (bench.bus.clone(), part.to_vec());
        publishing.spawn(async move {
            for few in part.chunks(7) {
                bus.publish(few).await.unwrap();
            }
        });
    }
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut all = taken(&mut *subscription, envelopes.len()).await;
    publishing.join_all().await;
    all.sort_unstable();
    assert_eq!(all, ids(&envelopes), "each arrives once");
    nothing_else_arrives(&mut *subscription).await;
}

#[tokio::test]
async fn a_backlog_is_delivered_in_batches_of_any_size() {
    let bench = Bench::local().await;
    let envelopes = envelopes(&bench);
    publish(&bench, &envelopes).await;
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let deliveries = subscription.next(1_000).await.unwrap();
    let delivered: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.envelope.id).collect();
    assert_eq!(delivered, ids(&envelopes[..1_000]));
}

#[tokio::test]
async fn delayed_messages_do_not_hide_those_behind_them() {
    let bench = Bench::local().await;
    let envelopes = envelopes(&bench);
    publish(&bench, &envelopes).await;
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < envelopes.len() {
        let deliveries = subscription.next(64).await.unwrap();
        seen.extend(deliveries.iter().map(|delivery| delivery.envelope.id));
        let later = Verdict::Retry { after: Duration::from_secs(60) };
        let retries = deliveries.into_iter().map(|delivery| (delivery, later.clone())).collect();
        subscription.settle(retries).await.unwrap();
    }
    assert_eq!(seen, ids(&envelopes));
    bench.clock.advance(Duration::from_secs(61));
    let again = subscription.next(64).await.unwrap();
    assert_eq!(again[0].envelope.id, envelopes[0].id);
    assert_eq!(again[0].attempts, 1);
}

#[tokio::test]
async fn a_restart_delivers_what_was_not_settled() {
    let bench = Bench::local().await;
    let envelopes = [bench.reserved(1), bench.reserved(2), bench.reserved(3)];
    bench.bus.publish(&envelopes).await.unwrap();
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    assert_eq!(taken_without_settling(&mut *subscription).await, ids(&envelopes));
    let again = bench.another().await;
    let mut subscription = again.subscribe(&queue::ORDER_STOCK).await.unwrap();
    assert_eq!(taken(&mut *subscription, 3).await, ids(&envelopes));
    nothing_else_arrives(&mut *subscription).await;
    souk_testkit::eventually("their rows are removed", || async { bench.waiting().await == 0 }).await;
}

/// A shop that was stopped has no message left that it has applied.
#[tokio::test]
async fn a_consumer_that_stops_leaves_no_row_of_what_it_applied() {
    let bench = Bench::local().await;
    let envelopes = [bench.reserved(1), bench.reserved(2), bench.reserved(3)];
    bench.bus.publish(&envelopes).await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(&handled, |handled, _: Received<StockReserved>| async move {
        handled.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Applied)
    });
    let consuming = tokio::spawn(consumer.run(bench.bus.clone(), bench.stop.clone()));
    souk_testkit::eventually("they are handled", || async { handled.load(Ordering::SeqCst) == 3 }).await;
    bench.stop.cancel();
    consuming.await.unwrap();
    assert_eq!(bench.waiting().await, 0);
}

async fn taken_without_settling(subscription: &mut dyn Subscription) -> Vec<Uuid> {
    subscription.next(64).await.unwrap().into_iter().map(|delivery| delivery.envelope.id).collect()
}
