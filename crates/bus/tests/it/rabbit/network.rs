//! Network failures between a process and the broker.

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

use frames::FrameProxy;

fn broker() -> String {
    let url = url::Url::parse(&engine::rabbitmq()).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672))
}

/// Returns a bench behind `proxy`, whose heartbeat detects a silent broker within two seconds.
async fn behind(proxy: &Proxy) -> Bench {
    let url = format!("{}?heartbeat=1", proxy.instead_of(&engine::rabbitmq()));
    Bench::rabbit_at(&url, &format!("{}.", engine::unique_name())).await
}

fn record_ids(seen: &Arc<Mutex<Vec<Uuid>>>) -> Consumer {
    Consumer::new(&queue::ORDER_STOCK).on(seen, |seen, received: Received<StockReserved>| async move {
        // Slow enough that messages are unacknowledged whenever the connection is cut.
        tokio::time::sleep(Duration::from_millis(2)).await;
        seen.lock().unwrap().push(received.event_id);
        Ok(Outcome::Applied)
    })
}

#[tokio::test]
async fn a_repeatedly_cut_connection_loses_no_event() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let cutter = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let seen: Arc<Mutex<Vec<Uuid>>> = Arc::default();
            bench.consume(record_ids(&seen));
            let mut sent = HashSet::new();
            let mut cuts = 0;
            for order in 1..=300 {
                let batch = [bench.reserved(order), bench.reserved(order + 1_000)];
                // Retries until the broker confirms, as the relay does.
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
async fn a_cut_subscription_fails_and_its_messages_are_redelivered() {
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
            assert!(subscription.next(10).await.is_err(), "it does not hang when called again");
            let verdict = (taken[0].clone(), souk_bus::Verdict::Ack);
            assert!(subscription.settle(vec![verdict]).await.is_err(), "nothing is settled on a dead channel");
            bench.ready().await;
            let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
            assert_eq!(subscription.next(10).await.unwrap()[0].envelope.id, taken[0].envelope.id);
        })
        .await;
}

#[tokio::test]
async fn an_interruption_is_followed_by_a_missed_announcement() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let cutter = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let announcement = Announcement(Arc::new(serde_json::json!({"type": "RefreshRemoteApplicationEvent"})));
            // Once an announcement arrives, the queue is declared.
            eventually("announcements are received", || async {
                let mut announcements = bench.bus.announcements();
                bench.bus.announce(announcement.clone()).await.unwrap();
                let received = tokio::time::timeout(Duration::from_millis(200), announcements.recv()).await;
                received.is_ok_and(|received| received.unwrap() == announcement)
            })
            .await;
            for _ in 0..2 {
                let mut announcements = bench.bus.announcements();
                cutter.cut();
                let received = tokio::time::timeout(Duration::from_secs(20), async {
                    while !announcements.recv().await.unwrap().is_missed() {}
                });
                received.await.expect("the missed announcement arrives");
                // From then on no announcement is missed.
                bench.ready().await;
                bench.bus.announce(announcement.clone()).await.unwrap();
                let received = tokio::time::timeout(Duration::from_secs(10), announcements.recv()).await;
                assert_eq!(received.unwrap().unwrap(), announcement);
            }
        })
        .await;
}

#[tokio::test]
async fn the_first_connection_is_followed_by_a_missed_announcement() {
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
async fn a_silent_broker_is_detected_and_nothing_hangs() {
    if !is_there() {
        return;
    }
    let proxy = Arc::new(Proxy::to(broker()).await);
    let staller = Arc::clone(&proxy);
    behind(&proxy)
        .await
        .run(|bench| async move {
            let seen: Arc<Mutex<Vec<Uuid>>> = Arc::default();
            bench.consume(record_ids(&seen));
            staller.stall(true);
            let envelope = bench.reserved(1);
            let began = Instant::now();
            assert!(bench.bus.publish(std::slice::from_ref(&envelope)).await.is_err());
            assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
            eventually("readiness fails", || async { bench.bus.ping().await.is_err() }).await;
            staller.stall(false);
            bench.ready().await;
            bench.bus.publish(std::slice::from_ref(&envelope)).await.unwrap();
            eventually("it is handled", || async { seen.lock().unwrap().contains(&envelope.id) }).await;
        })
        .await;
}

#[tokio::test]
async fn an_unreachable_broker_is_waited_for() {
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
    let inspected = RabbitTransport::inspect(&secret(&url), &prefix, clock).await;
    assert!(matches!(inspected, Err(BusError::Unavailable(_))), "{inspected:?}");
    let back = tokio::spawn({
        let bus = bus.clone();
        async move { bus.connection_recovered().await }
    });
    proxy.refuse(false);
    eventually("it works", || async { bus.ping().await.is_ok() }).await;
    tokio::time::timeout(Duration::from_secs(1), back).await.expect("the waiter is woken").unwrap();
    bus.remove_everything().await.unwrap();
    assert!(bus.ping().await.is_err(), "closed is closed");
}

#[tokio::test]
async fn a_wrong_password_is_reported_and_does_not_leak() {
    if !is_there() {
        return;
    }
    let mut url = url::Url::parse(&engine::rabbitmq()).unwrap();
    url.set_password(Some("hunter2")).unwrap();
    let clock = souk_values::ShiftedClock::new(Duration::ZERO);
    let config = config(url.as_str(), "t");
    assert!(!format!("{config:?}").contains("hunter2"));
    let bus = RabbitTransport::open(config, clock).await.unwrap();
    eventually("the failure is reported", || async { bus.ping().await.unwrap_err().to_string().contains("refused") })
        .await;
    let report = format!("{} {bus:?}", bus.ping().await.unwrap_err());
    assert!(!report.contains("hunter2"), "{report}");
    bus.close().await;
}

#[tokio::test]
async fn publishing_to_a_blocking_broker_fails_without_waiting() {
    if !is_there() {
        return;
    }
    let teller = Arc::new(FrameProxy::to(broker()).await);
    let telling = Arc::clone(&teller);
    let url = teller.instead_of(&engine::rabbitmq());
    Bench::rabbit_at(&url, &format!("{}.", engine::unique_name()))
        .await
        .run(|bench| async move {
            let envelope = bench.reserved(1);
            let publish = || bench.bus.publish(std::slice::from_ref(&envelope));
            publish().await.unwrap();
            // The confirms of messages in transit stop, and then the broker sends the reason.
            telling.hold_replies(true);
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
            telling.hold_replies(false);
            bench.ready().await;
            assert_eq!(publish().await.unwrap(), [envelope.id]);
        })
        .await;
}
