//! Consuming: from a queue to the effect.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use souk_bus::{Announcement, Consumer, Failure, Outcome, Received, Verdict};
use souk_events::{StockReserved, queue};
use souk_testkit::eventually;
use souk_values::Id;

use crate::Bench;

#[test]
fn a_consumer_has_the_name_of_its_queue() {
    assert_eq!(Consumer::new(&queue::ORDER_STOCK).queue(), "order.stock");
}

pub async fn each_event_is_handled_once_and_those_of_one_subject_in_order(bench: Arc<Bench>) {
    let seen: Arc<Mutex<HashMap<i64, Vec<uuid::Uuid>>>> = Arc::default();
    let envelopes: Vec<_> = (0..300).map(|n| bench.reserved(n % 20 + 1)).collect();
    bench.bus.publish(&envelopes).await.unwrap();
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(&seen, |seen, received: Received<StockReserved>| async move {
        tokio::task::yield_now().await;
        seen.lock().unwrap().entry(received.event.order_id.get()).or_default().push(received.event_id);
        Ok(Outcome::Applied)
    });
    bench.consume(consumer);
    let count = || seen.lock().unwrap().values().map(Vec::len).sum::<usize>();
    eventually("all are handled", || async { count() >= 300 && bench.waiting().await == 0 }).await;
    assert_eq!(count(), 300);
    assert!(seen.lock().unwrap().values().all(|ids| ids.is_sorted()), "event ids grow in the order of publishing");
}

pub async fn an_unavailable_engine_is_waited_for_and_costs_no_attempt(bench: Arc<Bench>) {
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
    bench.consume(consumer);
    eventually("it was tried several times", || async { tries.load(Ordering::SeqCst) >= 5 }).await;
    is_back.store(true, Ordering::SeqCst);
    let before = tries.load(Ordering::SeqCst);
    eventually("it was handled", || async { tries.load(Ordering::SeqCst) > before }).await;
    eventually("it is gone", || async { bench.waiting().await == 0 }).await;
    assert_eq!(bench.bus.dead_letter_counts(&["order.stock"]).await.unwrap(), [0]);
}

pub async fn handled_messages_are_settled_while_others_are_held_and_postponed(bench: Arc<Bench>) {
    let handled: Arc<Mutex<Vec<i64>>> = Arc::default();
    let consumer = Consumer::new(&queue::ORDER_STOCK).max_hold(Duration::from_millis(500)).on(
        &handled,
        |handled, received: Received<StockReserved>| async move {
            let order = received.event.order_id.get();
            handled.lock().unwrap().push(order);
            if order == 7 { Err(Failure::Unavailable("the store is away".into())) } else { Ok(Outcome::Applied) }
        },
    );
    let envelopes: Vec<_> = (1..=20).map(|order| bench.reserved(order)).collect();
    // The second event of order 7 is held behind the first.
    let second = bench.reserved(7);
    bench.bus.publish(&[envelopes, vec![second.clone()]].concat()).await.unwrap();
    bench.consume(consumer);
    let tries = || handled.lock().unwrap().iter().filter(|order| **order == 7).count();
    // Held for half a second with pauses of 100, 200 and 400 ms, then postponed, delivered and held again.
    eventually("it was tried, postponed and tried again", || async { tries() >= 6 }).await;
    let others = handled.lock().unwrap().iter().filter(|order| **order != 7).count();
    assert_eq!(others, 19, "the others were settled immediately and not redelivered");
    bench.stop.cancel();
    // None of this counts as an attempt of the two.
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut back = Vec::new();
    while back.len() < 2 {
        let deliveries = subscription.next(10).await.unwrap();
        back.extend(deliveries.iter().map(|delivery| (delivery.envelope.id, delivery.attempts)));
        subscription.settle(deliveries.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect()).await.unwrap();
    }
    assert!(back.contains(&(second.id, 0)), "{back:?}");
    assert!(back.iter().all(|(_, attempts)| *attempts == 0), "{back:?}");
}

pub async fn unsettled_messages_are_redelivered(bench: Arc<Bench>) {
    let envelopes: Vec<_> = (1..=10).map(|order| bench.reserved(order)).collect();
    bench.bus.publish(&envelopes).await.unwrap();
    let take = async |count: usize| {
        let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
        let mut taken = Vec::new();
        while taken.len() < count {
            let next = tokio::time::timeout(Duration::from_secs(10), subscription.next(count - taken.len())).await;
            taken.extend(next.expect("nothing is lost").unwrap());
        }
        (subscription, taken)
    };
    let (mut subscription, taken) = take(10).await;
    // Settles every second one, so that the acknowledgements have gaps.
    let settled: Vec<_> = taken.into_iter().step_by(2).map(|delivery| (delivery, Verdict::Ack)).collect();
    subscription.settle(settled).await.unwrap();
    drop(subscription);
    let (mut subscription, taken) = take(5).await;
    let mut ids: Vec<_> = taken.iter().map(|delivery| delivery.envelope.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, envelopes.iter().skip(1).step_by(2).map(|envelope| envelope.id).collect::<Vec<_>>());
    subscription.settle(taken.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect()).await.unwrap();
    drop(subscription);
    eventually("nothing is left", || async { bench.waiting().await == 0 }).await;
}

pub async fn a_published_event_sends_a_signal(bench: Arc<Bench>) {
    let mut signals = bench.bus.signals();
    let woken = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&woken);
    tokio::spawn(async move {
        while let Ok(signal) = signals.recv().await {
            seen.lock().unwrap().push((signal.event_type, signal.subject));
        }
    });
    // On a broker signals are received only once their queue is declared.
    eventually("an event sends a signal", || async {
        bench.bus.publish(&[bench.expired(4), bench.reserved(3)]).await.unwrap();
        woken.lock().unwrap().contains(&("stock.reserved.v1".to_owned(), "3".to_owned()))
    })
    .await;
}

pub async fn a_message_for_a_cancelled_consumer_goes_to_another(bench: Arc<Bench>) {
    let mut first = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut second = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    // Both wait, and the first one will be notified first.
    let a_while = Duration::from_millis(200);
    let mut taking = first.next(10);
    assert!(tokio::time::timeout(a_while, &mut taking).await.is_err());
    let mut waiting = second.next(10);
    assert!(tokio::time::timeout(a_while, &mut waiting).await.is_err());
    let envelope = bench.reserved(1);
    bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
    // It is notified, begins to read, and is cancelled.
    let _ = futures::poll!(&mut taking);
    drop(taking);
    drop(first);
    let next = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert_eq!(next.expect("it is not left in the queue").unwrap()[0].envelope.id, envelope.id);
}

pub async fn an_announcement_reaches_its_receivers(bench: Arc<Bench>) {
    let announcement = Announcement(Arc::new(serde_json::json!({"type": "RefreshRemoteApplicationEvent", "id": "1"})));
    // On a broker announcements are received only once their queue is declared; earlier ones may be lost.
    eventually("the announcement arrives", || async {
        let mut announcements = bench.bus.announcements();
        bench.bus.announce(announcement.clone()).await.unwrap();
        let received = tokio::time::timeout(Duration::from_millis(200), announcements.recv()).await;
        received.is_ok_and(|received| received.unwrap() == announcement)
    })
    .await;
}
