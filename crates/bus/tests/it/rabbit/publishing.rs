//! Publishing: an event is confirmed only once it is in all of its queues.

use std::time::{Duration, Instant};

use souk_bus::{Consumer, Outcome, Received, Verdict};
use souk_events::{StockReserved, queue};
use souk_testkit::eventually;

use crate::{Bench, rabbit::is_there};

#[tokio::test]
async fn an_unroutable_message_is_not_confirmed_and_the_others_of_its_batch_are() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            // Several times, because the broker may confirm many together and in any order.
            for _ in 0..5 {
                let mut batch: Vec<_> = (1..=60).map(|order| bench.reserved(order)).collect();
                for stranger in [7, 23, 59] {
                    batch[stranger].event_type = "unbound.event.v1".to_owned();
                }
                batch[31].event_type = "x".repeat(300);
                let expected: Vec<_> = batch
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| ![7, 23, 31, 59].contains(index))
                    .map(|(_, envelope)| envelope.id)
                    .collect();
                assert_eq!(bench.bus.publish(&batch).await.unwrap(), expected);
            }
        })
        .await;
}

#[tokio::test]
async fn a_thousand_confirms_are_in_flight_together() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let batch: Vec<_> = (1..=1_000).map(|order| bench.reserved(order)).collect();
            // The first publish opens the channel.
            bench.bus.publish(&batch[..1]).await.unwrap();
            let began = Instant::now();
            assert_eq!(bench.bus.publish(&batch[1..]).await.unwrap().len(), 999);
            let took = began.elapsed();
            println!("999 confirms took {took:?}");
            assert!(took < Duration::from_secs(5), "one after another they would take longer: {took:?}");
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            let mut arrived = Vec::new();
            while arrived.len() < 1_000 {
                let deliveries = subscription.next(64).await.unwrap();
                arrived.extend(deliveries.iter().map(|delivery| delivery.envelope.id));
                let acks = deliveries.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect();
                subscription.settle(acks).await.unwrap();
            }
            assert_eq!(arrived, batch.iter().map(|envelope| envelope.id).collect::<Vec<_>>(), "in their order");
        })
        .await;
}

#[tokio::test]
async fn concurrent_batches_do_not_confirm_each_other() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            let batches: Vec<Vec<_>> = (0..10)
                .map(|number| {
                    let mut batch: Vec<_> = (1..=20).map(|order| bench.reserved(order)).collect();
                    if number % 2 == 0 {
                        batch[10].event_type = "unbound.event.v1".to_owned();
                    }
                    batch
                })
                .collect();
            let publishing = batches.iter().map(|batch| bench.bus.publish(batch));
            for (number, confirmed) in futures::future::join_all(publishing).await.into_iter().enumerate() {
                let confirmed = confirmed.unwrap();
                let has_stranger = number % 2 == 0;
                assert_eq!(confirmed.contains(&batches[number][10].id), !has_stranger);
                assert_eq!(confirmed.len(), if has_stranger { 19 } else { 20 });
            }
        })
        .await;
}

/// Prints the rates, and asserts only that they are not absurdly low.
#[tokio::test]
async fn the_rate_is_printed() {
    if !is_there() {
        return;
    }
    Bench::rabbit()
        .await
        .run(|bench| async move {
            const EVENTS: usize = 5_120;
            let batches: Vec<Vec<_>> =
                (0..EVENTS / 256).map(|_| (1..=256).map(|order| bench.reserved(order)).collect()).collect();
            let began = Instant::now();
            for batch in &batches {
                assert_eq!(bench.bus.publish(batch).await.unwrap().len(), 256);
            }
            let published = began.elapsed();
            let (sender, mut handled) = tokio::sync::mpsc::unbounded_channel();
            let consumer =
                Consumer::new(&queue::ORDER_STOCK).on(&sender, |sender, _: Received<StockReserved>| async move {
                    sender.send(()).unwrap();
                    Ok(Outcome::Applied)
                });
            let began = Instant::now();
            bench.consume(consumer);
            for _ in 0..EVENTS {
                handled.recv().await.unwrap();
            }
            let until_all = began.elapsed();
            eventually("nothing is left", || async { bench.waiting().await == 0 }).await;
            let rate = |took: Duration| u128::try_from(EVENTS).unwrap() * 1_000 / took.as_millis().max(1);
            println!("published {} events/s, consumed {} events/s", rate(published), rate(until_all));
            assert!(rate(published) > 100 && rate(until_all) > 100);
        })
        .await;
}
