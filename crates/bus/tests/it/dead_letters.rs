//! Messages that fail until they are dead letters.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use souk_bus::{BusError, Consumer, Failure, Outcome, Received};
use souk_events::{Payload, StockReserved, queue};
use souk_testkit::eventually;
use souk_values::{Id, PageRequest};

use crate::{Bench, bench::Kind};

pub async fn a_poison_message_becomes_a_dead_letter_and_does_not_block_the_queue(bench: Arc<Bench>) {
    let cured = Arc::new(AtomicBool::new(false));
    let handled = Arc::new(AtomicU32::new(0));
    let state = (cured.clone(), handled.clone());
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(
        &state,
        |(cured, handled), received: Received<StockReserved>| async move {
            match received.event.order_id.get() {
                13 if !cured.load(Ordering::SeqCst) => Err(Failure::Handling("thirteen".into())),
                14 if !cured.load(Ordering::SeqCst) => panic!("a defect"),
                _ => {
                    handled.fetch_add(1, Ordering::SeqCst);
                    Ok(Outcome::Applied)
                }
            }
        },
    );
    bench.consume(consumer);
    let envelopes: Vec<_> = (10..20).map(|order| bench.reserved(order)).collect();
    bench.bus.publish(&envelopes).await.unwrap();
    eventually("the others are handled", || async { handled.load(Ordering::SeqCst) == 8 }).await;
    let dead = || async { bench.bus.dead_letter_counts(&["order.stock", "cart.orders"]).await.unwrap() };
    eventually("the two are dead", || async {
        // The delays grow: the local bus follows the shifted clock, a broker real time.
        bench.clock.advance(Duration::from_secs(60));
        dead().await == [2, 0]
    })
    .await;
    eventually("nothing waits", || async { bench.waiting().await == 0 }).await;
    assert_eq!(handled.load(Ordering::SeqCst), 8);

    let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
    assert!(bench.bus.dead_letters(Some("cart")).await.unwrap().is_empty());
    assert!(letters.iter().any(|letter| letter.error == "thirteen" && letter.attempts == 6), "{letters:?}");
    for letter in &letters {
        assert!(envelopes.contains(letter.envelope.as_ref().unwrap()), "{letter:?}");
        assert_eq!((letter.queue.as_str(), letter.event_type()), ("order.stock", "stock.reserved.v1"));
        let age = bench_now(&bench) - letter.died_at.millis();
        assert!((0..3_600_000).contains(&age), "{letter:?}");
        let shown = bench.bus.dead_letter(letter.dead_letter_id).await.unwrap();
        assert_eq!(shown.error, letter.error);
        let json = serde_json::to_value(letter).unwrap();
        assert!(json["envelope"]["id"].is_string() && json.get("raw").is_none(), "{json}");
    }
    let page = async |service: Option<&'static str>, page: u32| {
        let page = bench.bus.dead_letter_page(service, PageRequest::numbered(page, 1)).await.unwrap();
        (page.items.into_iter().map(|letter| letter.dead_letter_id).collect::<Vec<_>>(), page.total)
    };
    let (first, second) = (page(Some("order"), 0).await, page(None, 1).await);
    assert_eq!((first.0.len(), first.1, second.0.len(), second.1), (1, 2, 1, 2));
    assert_ne!(first.0, second.0);
    assert_eq!((page(None, 2).await, page(Some("cart"), 0).await), ((Vec::new(), 2), (Vec::new(), 0)));
    // The letters survive a restart.
    assert_eq!(bench.another().await.dead_letters(None).await.unwrap().len(), 2);

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
    assert_eq!(handled.load(Ordering::SeqCst), 9, "the discarded one never comes again");
}

fn bench_now(bench: &Bench) -> i64 {
    souk_values::Clock::now(&*bench.clock).millis()
}

pub async fn an_unreadable_message_becomes_a_dead_letter_unchanged(bench: Arc<Bench>) {
    let handled = Arc::new(AtomicU32::new(0));
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(&handled, |handled, _: Received<StockReserved>| async move {
        handled.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Applied)
    });
    bench.insert_raw(r#"{"specversion":"0.3", "nonsense"#).await;
    bench.bus.publish(&[bench.reserved(1), bench.reserved(2)]).await.unwrap();
    bench.consume(consumer);
    eventually("the queue is not blocked", || async { handled.load(Ordering::SeqCst) == 2 }).await;
    let dead = || async { bench.bus.dead_letter_counts(&["order.stock"]).await.unwrap() };
    eventually("it is a dead letter", || async { dead().await == [1] }).await;
    let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
    let letter = &letters[0];
    assert_eq!(letter.raw.as_deref(), Some(r#"{"specversion":"0.3", "nonsense"#));
    assert!(letter.envelope.is_none() && letter.attempts == 1 && !letter.error.is_empty(), "{letter:?}");
    // Replaying it does not make it readable.
    bench.bus.replay(letter.dead_letter_id).await.unwrap();
    eventually("it is a dead letter again", || async { dead().await == [1] }).await;
    let again = bench.bus.dead_letters(None).await.unwrap();
    assert_eq!(again[0].raw, letter.raw);
    bench.bus.discard(again[0].dead_letter_id).await.unwrap();
    assert_eq!(dead().await, [0]);
    assert_eq!(handled.load(Ordering::SeqCst), 2);
}

pub async fn a_failing_message_is_redelivered_with_growing_delays(bench: Arc<Bench>) {
    let tries: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let others = Arc::new(AtomicU32::new(0));
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(
        &(tries.clone(), others.clone()),
        |(tries, others), received: Received<StockReserved>| async move {
            if received.event.order_id.get() != 1 {
                others.fetch_add(1, Ordering::SeqCst);
                return Ok(Outcome::Applied);
            }
            let mut tries = tries.lock().unwrap();
            tries.push(Instant::now());
            if tries.len() < 4 { Err(Failure::Handling("not yet".into())) } else { Ok(Outcome::Applied) }
        },
    );
    bench.consume(consumer);
    bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
    eventually("it is tried for the third time", || async { tries.lock().unwrap().len() == 3 }).await;
    bench.bus.publish(&[bench.reserved(2)]).await.unwrap();
    eventually("others do not wait for it", || async { others.load(Ordering::SeqCst) == 1 }).await;
    assert_eq!(tries.lock().unwrap().len(), 3);
    eventually("it works at last", || async { tries.lock().unwrap().len() == 4 }).await;
    let tries = tries.lock().unwrap().clone();
    for (pair, pause) in tries.windows(2).zip([200, 400, 800]) {
        let waited = pair[1] - pair[0];
        // The time at which it is due is a whole millisecond, the one before.
        let pause = Duration::from_millis(pause - 1);
        assert!(waited >= pause && waited < pause + Duration::from_secs(2), "{waited:?} instead of {pause:?}");
    }
    if let Kind::Rabbit { .. } = bench.kind {
        eventually("nothing is left", || async { bench.waiting().await == 0 }).await;
    }
}

#[tokio::test]
async fn a_payload_that_does_not_match_its_type_fails() {
    let bench = Bench::local().await;
    let mut envelope = bench.reserved(1);
    envelope.data = Payload::of(&serde_json::json!({"orderId": "one"})).unwrap();
    let consumer = Consumer::new(&queue::ORDER_STOCK)
        .on(&(), |(), _: Received<StockReserved>| async move { Ok(Outcome::Applied) });
    assert!(matches!(consumer.handle(envelope).await, Err(Failure::Handling(_))));
    // An event without a handler is ignored.
    assert_eq!(consumer.handle(bench.expired(1)).await, Ok(Outcome::Ignored));
}
