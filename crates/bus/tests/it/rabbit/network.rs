//! The network between a process and the broker, in all weathers.

mod frames;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use souk_bus::{Announcement, BusError, Consumer, Outcome, RabbitTransport, Received, Transport};
use souk_events::{StockReserved, queue};
use souk_testkit::{Proxy, engine, eventually};
use uuid::Uuid;

use crate::{
    Bench,
    bench::{config, secret},
    rabbit::is_there,
};

use frames::Teller;

fn broker() -> String {
    let url = url::Url::parse(&engine::rabbitmq()).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672))
}

/// A bench by way of a proxy, which notices within two seconds that the broker fell silent.
async fn behind(proxy: &Proxy) -> Bench {
    let url = format!("{}?heartbeat=1", proxy.instead_of(&engine::rabbitmq()));
    Bench::rabbit_at(&url, &format!("{}.", engine::unique_name())).await
}

fn note_ids(seen: &Arc<Mutex<Vec<Uuid>>>) -> Consumer {
    Consumer::new(&queue::ORDER_STOCK).on(seen, |seen, received: Received<StockReserved>| async move {
        // Slow enough that there is always something in hand when the line is cut.
        tokio::time::sleep(Duration::from_millis(2)).await;
        seen.lock().unwrap().push(received.event_id);
        Ok(Outcome::Applied)
    })
}

#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_loses_nothing() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let cutter = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let seen: Arc<Mutex<Vec<Uuid>>> = Arc::default();
            bench.consume(note_ids(&seen));
            let mut sent = HashSet::new();
            let mut cuts = 0;
            for order in 1..=300 {
                let batch = [bench.reserved(order), bench.reserved(order + 1_000)];
                // As the relay does: again until the broker has it.
                eventually("it is published", || async {
                    bench.bus.publish(&batch).await.is_ok_and(|confirmed| confirmed.len() == 2)
                })
                .await;
                sent.extend(batch.map(|envelope| envelope.id));
                if order % 60 == 0 {
                    cuts += 1;
                    if cuts % 2 == 0 { cutter.half_close() } else { cutter.cut() }
                }
            }
            let all = || seen.lock().unwrap().iter().copied().collect::<HashSet<_>>() == sent;
            eventually("all are handled", || async { all() }).await;
            bench.ready().await;
            eventually("nothing is left", || async { bench.waiting().await == 0 }).await;
            assert!(bench.bus.dead_letters(None).await.is_ok_and(|letters| letters.is_empty()));
        })
        .await;
}

#[tokio::test]
async fn a_subscription_whose_line_is_cut_says_so_and_its_messages_come_again() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let cutter = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            bench.bus.publish(&[bench.reserved(1)]).await.unwrap();
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            let taken = subscription.next(10).await.unwrap();
            cutter.cut();
            let late = subscription.next(10).await;
            assert!(matches!(late, Err(BusError::Unavailable(_))), "{late:?}");
            assert!(subscription.next(10).await.is_err(), "it does not hang when asked again");
            let verdict = (taken[0].clone(), souk_bus::Verdict::Ack);
            assert!(subscription.settle(vec![verdict]).await.is_err(), "nothing is settled on a dead channel");
            bench.ready().await;
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            assert_eq!(subscription.next(10).await.unwrap()[0].envelope.id, taken[0].envelope.id);
        })
        .await;
}

#[tokio::test]
async fn who_could_not_hear_for_a_while_is_told_so() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let cutter = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let told = Announcement(Arc::new(serde_json::json!({"type": "RefreshRemoteApplicationEvent"})));
            // One announcement that arrives: what begins to hear has begun.
            eventually("it hears", || async {
                let mut announcements = bench.bus.announcements();
                bench.bus.announce(told.clone()).await.unwrap();
                let heard = tokio::time::timeout(Duration::from_millis(200), announcements.recv()).await;
                heard.is_ok_and(|heard| heard.unwrap() == told)
            })
            .await;
            for _ in 0..2 {
                let mut announcements = bench.bus.announcements();
                cutter.cut();
                let heard = tokio::time::timeout(Duration::from_secs(20), async {
                    while !announcements.recv().await.unwrap().is_missed() {}
                });
                heard.await.expect("it is told that it may have missed some");
                // Whoever is told so hears all that is announced from then on.
                bench.ready().await;
                bench.bus.announce(told.clone()).await.unwrap();
                let heard = tokio::time::timeout(Duration::from_secs(10), announcements.recv()).await;
                assert_eq!(heard.unwrap().unwrap(), told);
            }
        })
        .await;
}

#[tokio::test]
async fn who_begins_to_hear_is_told_that_it_may_have_missed_some() {
    if !is_there() {
        return;
    }
    let proxy = Proxy::to(broker()).await;
    proxy.refuse(true);
    let prefix = format!("{}.", engine::unique_name());
    let clock = souk_values::ShiftedClock::new(Duration::ZERO);
    let url = proxy.instead_of(&engine::rabbitmq());
    let bus = RabbitTransport::open(config(&url, &prefix), clock).await.unwrap();
    let mut announcements = bus.announcements();
    proxy.refuse(false);
    let first = tokio::time::timeout(Duration::from_secs(20), announcements.recv()).await;
    bus.remove_everything().await.unwrap();
    assert!(first.unwrap().unwrap().is_missed());
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_noticed_and_nothing_hangs() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let staller = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let seen: Arc<Mutex<Vec<Uuid>>> = Arc::default();
            bench.consume(note_ids(&seen));
            staller.stall(true);
            let envelope = bench.reserved(1);
            let began = Instant::now();
            assert!(bench.bus.publish(std::slice::from_ref(&envelope)).await.is_err());
            assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
            eventually("readiness tells", || async { bench.bus.ping().await.is_err() }).await;
            staller.stall(false);
            bench.ready().await;
            bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
            eventually("it is handled", || async { seen.lock().unwrap().contains(&envelope.id) }).await;
        })
        .await;
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for() {
    if !is_there() {
        return;
    }
    let proxy = Proxy::to(broker()).await;
    proxy.refuse(true);
    let prefix = format!("{}.", engine::unique_name());
    let url = proxy.instead_of(&engine::rabbitmq());
    let clock = souk_values::ShiftedClock::new(Duration::ZERO);
    let began = Instant::now();
    let bus = RabbitTransport::open(config(&url, &prefix), clock.clone()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "it is opened at once");
    assert!(matches!(bus.ping().await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.publish(&[]).await, Err(BusError::Unavailable(_))));
    assert!(matches!(bus.subscribe(&queue::ORDER_STOCK).await, Err(BusError::Unavailable(_))));
    let looked = RabbitTransport::inspect(&secret(&url), &prefix, clock).await;
    assert!(matches!(looked, Err(BusError::Unavailable(_))), "{looked:?}");
    let back = tokio::spawn({
        let bus = bus.clone();
        async move { bus.recovered().await }
    });
    proxy.refuse(false);
    eventually("it works", || async { bus.ping().await.is_ok() }).await;
    tokio::time::timeout(Duration::from_secs(1), back).await.expect("who waited is told").unwrap();
    bus.remove_everything().await.unwrap();
    assert!(bus.ping().await.is_err(), "closed is closed");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    if !is_there() {
        return;
    }
    let mut url = url::Url::parse(&engine::rabbitmq()).unwrap();
    url.set_password(Some("hunter2")).unwrap();
    let clock = souk_values::ShiftedClock::new(Duration::ZERO);
    let config = config(url.as_str(), "t");
    assert!(!format!("{config:?}").contains("hunter2"));
    let bus = RabbitTransport::open(config, clock).await.unwrap();
    eventually("it is told", || async { bus.ping().await.unwrap_err().to_string().contains("refused") }).await;
    let told = format!("{} {bus:?}", bus.ping().await.unwrap_err());
    assert!(!told.contains("hunter2"), "{told}");
    bus.close().await;
}

#[tokio::test]
async fn a_broker_that_protects_itself_is_not_waited_for() {
    if !is_there() {
        return;
    }
    let teller = Arc::new(Teller::to(broker()).await);
    let telling = Arc::clone(&teller);
    let url = teller.instead_of(&engine::rabbitmq());
    Bench::rabbit_at(&url, &format!("{}.", engine::unique_name()))
        .await
        .run(|bench| async move {
            let envelope = bench.reserved(1);
            let publish = || bench.bus.publish(std::slice::from_ref(&envelope));
            publish().await.unwrap();
            // The confirms of what is under way do not come any more, and then the broker says why.
            telling.hold_answers(true);
            let began = Instant::now();
            let (refused, ()) = tokio::join!(publish(), async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                telling.blocked("low on memory").await;
            });
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("low on memory"), "{refused}");
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            let ready = bench.bus.ping().await.unwrap_err().to_string();
            assert!(ready.contains("low on memory"), "{ready}");
            assert!(publish().await.unwrap_err().to_string().contains("low on memory"));
            telling.unblocked().await;
            telling.hold_answers(false);
            bench.ready().await;
            assert_eq!(publish().await.unwrap(), [envelope.id]);
        })
        .await;
}
