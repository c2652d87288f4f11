//! Dead letters on the broker: those that it makes itself, and concurrent operators.

use std::time::Duration;

use souk_bus::{BusError, Transport, Verdict};
use souk_events::queue;
use souk_testkit::eventually;
use souk_values::PageRequest;

use crate::{Bench, rabbit::is_there};

/// Turns `count` messages in `order.stock` into dead letters.
async fn make_dead_letters(bench: &Bench, count: i64) {
    let batch: Vec<_> = (1..=count).map(|order| bench.reserved(order)).collect();
    bench.bus.publish(&batch).await.unwrap();
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut left = batch.len();
    while left > 0 {
        let deliveries = subscription.next(64).await.unwrap();
        left -= deliveries.len();
        let dead = |delivery| (delivery, Verdict::Dead { error: "declined".to_owned() });
        subscription.settle(deliveries.into_iter().map(dead).collect()).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_that_is_never_acknowledged_is_dead_lettered_by_the_broker() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let envelope = bench.reserved(1);
            bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
            let dead = || async { bench.bus.dead_letter_counts(&["order.stock"]).await.unwrap() == [1] };
            let mut handed_out = 0;
            while !dead().await {
                let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
                // Times out once the message is a dead letter.
                let next = tokio::time::timeout(Duration::from_secs(1), subscription.next(1)).await;
                handed_out += usize::from(next.is_ok_and(|next| next.unwrap().len() == 1));
                // As a process that crashes on the message.
                drop(subscription);
            }
            assert_eq!(handed_out, 21, "the first and twenty more");
            let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
            assert_eq!(letters[0].envelope.as_ref(), Some(&envelope));
            assert!(letters[0].error.contains("too often without an answer"), "{letters:?}");
            assert!(letters[0].died_at.millis() > 0, "{letters:?}");
            bench.bus.replay(letters[0].dead_letter_id).await.unwrap();
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            let again = subscription.next(1).await.unwrap();
            assert_eq!((again[0].envelope.id, again[0].attempts), (envelope.id, 0));
        })
        .await;
}

/// While the exchange of its successor is missing, a message stays unacknowledged; then it is settled.
#[tokio::test]
async fn a_message_without_a_confirmed_successor_stays_unacknowledged() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let (connection, channel) = crate::rabbit::raw().await;
            let envelope = bench.reserved(1);
            bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            let verdicts = [
                (Verdict::Retry { after: Duration::from_millis(200) }, "souk.retry.200", 0),
                (Verdict::Postpone, "souk.retry.3200", 1),
                (Verdict::Dead { error: "declined".to_owned() }, "souk.dead", 1),
            ];
            for (verdict, exchange, attempts) in verdicts {
                let next = tokio::time::timeout(Duration::from_secs(10), subscription.next(1)).await;
                let taken = next.expect("it is redelivered").unwrap();
                assert_eq!((&taken[0].envelope, taken[0].attempts), (&envelope, attempts), "before {verdict:?}");
                let exchange = format!("{}{exchange}", bench.prefix());
                let options = lapin::options::ExchangeDeleteOptions::default();
                channel.exchange_delete(exchange.as_str().into(), options).await.unwrap();
                let settling = subscription.settle(vec![(taken[0].clone(), verdict.clone())]);
                let settled = tokio::time::timeout(Duration::from_secs(20), settling).await;
                settled.unwrap_or_else(|_| panic!("{verdict:?} is not settled")).unwrap();
            }
            let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
            assert_eq!(letters.len(), 1);
            assert_eq!(letters[0].envelope.as_ref(), Some(&envelope));
            connection.close(200, "OK".into()).await.unwrap();
        })
        .await;
}

#[tokio::test]
async fn two_operators_see_the_same_letters_and_only_one_replays_each() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            make_dead_letters(&bench, 20).await;
            let one = bench.another_rabbit().await;
            let other = bench.another_rabbit().await;
            for _ in 0..3 {
                let (seen, also) = tokio::join!(one.dead_letters(None), other.dead_letters(Some("order")));
                assert_eq!((seen.unwrap().len(), also.unwrap().len()), (20, 20));
            }
            let letters = one.dead_letters(None).await.unwrap();
            let page = one.dead_letter_page(Some("order"), PageRequest::numbered(2, 8)).await.unwrap();
            assert_eq!((page.items.len(), page.total), (4, 20));
            assert!(page.items.iter().all(|letter| letter.died_at <= letters[15].died_at));
            let id = letters[0].dead_letter_id;
            let (replayed, also) = tokio::join!(one.replay(id), other.replay(id));
            let refused = if replayed.is_ok() {
                also
            } else {
                assert!(also.is_ok(), "{also:?}");
                replayed
            };
            assert!(matches!(refused, Err(BusError::NoSuchDeadLetter(_))), "{refused:?}");
            let id = letters[1].dead_letter_id;
            let (replayed, discarded) = tokio::join!(one.replay(id), other.discard(id));
            assert_ne!(replayed.is_ok(), discarded.is_ok(), "{replayed:?} {discarded:?}");
            let expected = 1 + u64::from(replayed.is_ok());
            eventually("the replayed message is there once", || async { bench.waiting().await == expected }).await;
            assert_eq!(bench.bus.dead_letters(None).await.unwrap().len(), 18);
            assert_eq!(bench.bus.dead_letter_counts(&["order.stock"]).await.unwrap(), [18]);
        })
        .await;
}

#[tokio::test]
async fn frequent_listing_does_not_exhaust_the_delivery_limit() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            make_dead_letters(&bench, 2).await;
            for _ in 0..25 {
                assert_eq!(bench.bus.dead_letters(Some("order")).await.unwrap().len(), 2);
            }
        })
        .await;
}
