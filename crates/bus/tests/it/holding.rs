//! Holding messages while the engine of their consumer is unavailable.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use souk_bus::{Consumer, Failure, Outcome, Received, Verdict};
use souk_events::{StockReserved, queue};
use souk_sql::SqlError;
use souk_testkit::eventually;

use crate::{Bench, counting::CountingTransport};

#[derive(Clone, Default)]
struct Engine {
    is_back: Arc<AtomicBool>,
    tries: Arc<AtomicU32>,
}

impl Engine {
    fn tries(&self) -> u32 {
        self.tries.load(Ordering::SeqCst)
    }

    /// Returns a consumer whose handler uses this engine.
    fn consumer(&self) -> Consumer {
        Consumer::new(&queue::ORDER_STOCK).on(self, |engine, _: Received<StockReserved>| async move {
            engine.tries.fetch_add(1, Ordering::SeqCst);
            if engine.is_back.load(Ordering::SeqCst) {
                return Ok(Outcome::Applied);
            }
            // An error that is not known.
            Err(Failure::from(SqlError::Unavailable("the engine refuses".to_owned())))
        })
    }
}

#[tokio::test]
async fn a_held_message_is_tried_with_growing_pauses_and_then_acknowledged() {
    let bench = Bench::local().await;
    let transport = CountingTransport::new(&bench.bus, true, usize::MAX);
    let engine = Engine::default();
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    tokio::spawn(engine.consumer().run(transport.clone(), bench.stop.clone()));
    eventually("it is held", || async { engine.tries() >= 2 }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // At 0.1, 0.3, 0.7 and 1.5 s.
    assert!((3..=6).contains(&engine.tries()), "{} tries", engine.tries());
    assert!(transport.verdicts.lock().unwrap().is_empty(), "it is held and not given back");
    engine.is_back.store(true, Ordering::SeqCst);
    eventually("it is handled", || async { bench.waiting().await == 0 }).await;
    assert_eq!(*transport.verdicts.lock().unwrap(), [Verdict::Ack]);
    bench.stop.cancel();
}

#[tokio::test]
async fn a_message_that_was_held_for_long_is_postponed() {
    let bench = Bench::local().await;
    let transport = CountingTransport::new(&bench.bus, true, usize::MAX);
    let engine = Engine::default();
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    let consumer = engine.consumer().max_hold(Duration::from_millis(200));
    tokio::spawn(consumer.run(transport.clone(), bench.stop.clone()));
    let verdicts = || transport.verdicts.lock().unwrap().clone();
    eventually("it is postponed", || async { !verdicts().is_empty() }).await;
    assert!(verdicts().iter().all(|verdict| *verdict == Verdict::Postpone), "{:?}", verdicts());
    engine.is_back.store(true, Ordering::SeqCst);
    eventually("it is handled", || async { verdicts().last() == Some(&Verdict::Ack) }).await;
    assert_eq!(bench.bus.dead_letter_counts(&["order.stock"]).await.unwrap(), [0]);
    bench.stop.cancel();
}

#[tokio::test]
async fn stopping_ends_a_hold_immediately() {
    let bench = Bench::local().await;
    let engine = Engine::default();
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    let running = tokio::spawn(engine.consumer().run(Arc::clone(&bench.bus), bench.stop.clone()));
    // The fifth pause takes 1.6 s.
    eventually("it is held", || async { engine.tries() >= 5 }).await;
    bench.stop.cancel();
    tokio::time::timeout(Duration::from_millis(800), running).await.expect("it stops").unwrap();
    assert_eq!(bench.waiting().await, 1, "it stays in its queue");
}

#[tokio::test]
async fn a_consumer_subscribes_again_after_failures() {
    let bench = Bench::local().await;
    let transport = CountingTransport::new(&bench.bus, true, usize::MAX);
    transport.failing.store(3, Ordering::SeqCst);
    let engine = Engine::default();
    engine.is_back.store(true, Ordering::SeqCst);
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    tokio::spawn(engine.consumer().run(transport.clone(), bench.stop.clone()));
    eventually("it is handled", || async { bench.waiting().await == 0 }).await;
    assert_eq!(transport.failing.load(Ordering::SeqCst), 0);
    bench.stop.cancel();
}

#[tokio::test]
async fn a_long_hold_has_a_reason_for_readiness() {
    let bench = Bench::local().await;
    let engine = Engine::default();
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    let consumer = engine.consumer();
    let pause = consumer.pause();
    bench.consume(consumer);
    eventually("it is held", || async { engine.tries() >= 2 }).await;
    assert_eq!(pause.reason(), None, "not before some seconds");
    eventually("the reason is known", || async { pause.reason().is_some() }).await;
    assert!(pause.reason().unwrap().contains("the engine refuses"));
    engine.is_back.store(true, Ordering::SeqCst);
    eventually("it consumes again", || async { pause.reason().is_none() }).await;
    bench.stop.cancel();
}
