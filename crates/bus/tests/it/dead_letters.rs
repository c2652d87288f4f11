//! Messages that fail by their own fault.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use souk_bus::{BusError, Consumer, Failure, Outcome, Received, Transport};
use souk_events::{StockReserved, queue};
use souk_values::Id;
use tokio_util::sync::CancellationToken;

use super::{Bench, eventually};

#[tokio::test]
async fn a_poison_message_is_put_aside_and_the_queue_goes_on() {
    let bench = Bench::new().await;
    let cured = Arc::new(AtomicBool::new(false));
    let handled = Arc::new(AtomicU32::new(0));
    let state = (cured.clone(), handled.clone());
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(
        &state,
        |(cured, handled), received: Received<StockReserved>| async move {
            match received.event.order_id.get() {
                13 if !cured.load(Ordering::SeqCst) => Err(Failure::Message("thirteen".into())),
                14 if !cured.load(Ordering::SeqCst) => panic!("a defect"),
                _ => {
                    handled.fetch_add(1, Ordering::SeqCst);
                    Ok(Outcome::Applied)
                }
            }
        },
    );
    let stop = CancellationToken::new();
    tokio::spawn(consumer.run(Arc::new(bench.bus.clone()), stop.clone()));
    let envelopes: Vec<_> = (10..20).map(|order| bench.reserved(order)).collect();
    bench.bus.publish(&envelopes).await.unwrap();
    eventually("the others are handled", || async { handled.load(Ordering::SeqCst) == 8 }).await;
    eventually("the two are dead", || async {
        // Held back longer each time; the clock takes us there.
        bench.clock.advance(Duration::from_secs(60));
        bench.bus.dead_letters(None).await.unwrap().len() == 2
    })
    .await;
    assert!(bench.bus.queued().await.unwrap().is_empty());
    assert_eq!(handled.load(Ordering::SeqCst), 8);

    let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
    assert!(bench.bus.dead_letters(Some("cart")).await.unwrap().is_empty());
    assert!(letters.iter().any(|letter| letter.error == "thirteen" && letter.attempts == 6), "{letters:?}");
    // Still there after a restart.
    assert_eq!(bench.bus_after_restart().await.dead_letters(None).await.unwrap().len(), 2);

    cured.store(true, Ordering::SeqCst);
    bench.bus.replay(letters[0].dead_letter_id).await.unwrap();
    eventually("the replayed one is handled", || async { handled.load(Ordering::SeqCst) == 9 }).await;
    bench.bus.discard(letters[1].dead_letter_id).await.unwrap();
    assert!(bench.bus.dead_letters(None).await.unwrap().is_empty());
    for refused in
        [bench.bus.replay(letters[0].dead_letter_id).await, bench.bus.discard(letters[1].dead_letter_id).await]
    {
        assert!(matches!(refused, Err(BusError::NoSuchDeadLetter(_))));
    }
    stop.cancel();
}

#[tokio::test]
async fn data_that_is_not_what_the_type_promises_is_a_dead_letter_too() {
    let bench = Bench::new().await;
    let mut envelope = bench.reserved(1);
    envelope.data = serde_json::json!({"orderId": "one"});
    let consumer = Consumer::new(&queue::ORDER_STOCK)
        .on(&(), |(), _: Received<StockReserved>| async move { Ok(Outcome::Applied) });
    assert!(matches!(consumer.handle(envelope).await, Err(Failure::Message(_))));
    // An event of a type that nobody handles here is let go.
    assert_eq!(consumer.handle(bench.expired(1)).await, Ok(Outcome::Ignored));
}
