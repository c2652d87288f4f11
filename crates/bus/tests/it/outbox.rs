//! Publishing: from the outbox to the queues.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sea_orm::ConnectionTrait;
use souk_bus::{
    BusError, Claim, Outbox, SqlOutbox, Transport, UnreadableEvent,
    outbox::{self, Backlog},
    relay,
};
use souk_events::{Envelope, queue};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{engine::Stores, eventually, on_engines};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{Bench, Tables, counting::CountingTransport};

async fn write(db: &Db, envelopes: Vec<Envelope>, then: Result<(), SqlError>) -> Result<(), SqlError> {
    db.write((envelopes, then), |tx, (envelopes, then)| {
        Box::pin(async move {
            outbox::add(tx, envelopes).await?;
            then.clone()
        })
    })
    .await
}

async fn pending(db: &Db) -> u64 {
    SqlOutbox::new(db.clone()).backlog().await.unwrap().pending
}

fn start_relay(bench: &Bench, db: &Db, transport: Arc<dyn Transport>) {
    let outbox = Arc::new(SqlOutbox::new(db.clone()));
    tokio::spawn(relay("order", outbox, transport, bench.clock.clone(), bench.stop.clone()));
}

async fn arrived(transport: &dyn Transport, count: usize) -> Vec<Uuid> {
    let mut subscription = transport.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let mut arrived = Vec::new();
    while arrived.len() < count {
        let deliveries = subscription.next(1_000).await.unwrap();
        arrived.extend(deliveries.iter().map(|delivery| delivery.envelope.id));
        let acks = deliveries.into_iter().map(|delivery| (delivery, souk_bus::Verdict::Ack)).collect();
        subscription.settle(acks).await.unwrap();
    }
    arrived
}

fn ids(envelopes: &[Envelope]) -> Vec<Uuid> {
    envelopes.iter().map(|envelope| envelope.id).collect()
}

pub async fn committed_events_are_published_in_order_and_rolled_back_ones_are_not(bench: Arc<Bench>) {
    start_relay(&bench, &bench.db, Arc::clone(&bench.bus));
    let refused = write(&bench.db, vec![bench.reserved(999)], Err(SqlError::Constraint("no".into()))).await;
    assert!(refused.is_err());
    let envelopes: Vec<Envelope> = (1..=700).map(|order| bench.reserved(order)).collect();
    for part in envelopes.chunks(100) {
        write(&bench.db, part.to_vec(), Ok(())).await.unwrap();
    }
    eventually("the outbox is empty", || async { pending(&bench.db).await == 0 }).await;
    assert_eq!(arrived(&*bench.bus, 700).await, ids(&envelopes));
}

pub async fn published_events_survive_a_restart(bench: Arc<Bench>) {
    let envelopes = [bench.reserved(1), bench.reserved(2)];
    assert_eq!(bench.bus.publish(&envelopes).await.unwrap(), ids(&envelopes));
    let again = bench.another().await;
    assert_eq!(arrived(&*again, 2).await, ids(&envelopes));
}

/// Inserts a row before all others whose envelope is the SQL literal `envelope`.
async fn insert_unreadable(db: &Db, id: u128, envelope: &str) {
    let id = Uuid::from_u128(id);
    let row = format!("INSERT INTO outbox_event VALUES ('{id}', 'stock.reserved.v1', 1, {envelope})");
    db.write(row, |tx, row| {
        Box::pin(async move {
            tx.execute_unprepared(row).await?;
            Ok::<_, SqlError>(())
        })
    })
    .await
    .unwrap();
}

async fn unreadable_rows_do_not_stop_the_relay(bench: &Bench, db: &Db) {
    insert_unreadable(db, 7, "'{\"specversion\":'").await;
    insert_unreadable(db, 8, "'[]'").await;
    let envelopes = [bench.reserved(1), bench.reserved(2)];
    write(db, envelopes.to_vec(), Ok(())).await.unwrap();
    let stored = SqlOutbox::new(db.clone());
    assert_eq!(ids(&stored.unpublished(10).await.unwrap()), ids(&envelopes));
    let backlog = stored.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.oldest.map(Timestamp::millis)), (4, Some(1)));
    start_relay(bench, db, Arc::clone(&bench.bus));
    eventually("the outbox is empty", || async { pending(db).await == 0 }).await;
    assert_eq!(arrived(&*bench.bus, 2).await, ids(&envelopes));
    assert_eq!(bench.bus.dead_letter_counts(&["order.outbox", "order.stock"]).await.unwrap(), [2, 0]);
    let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
    let mut bodies: Vec<_> = letters.iter().map(|letter| letter.raw.clone().unwrap()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["[]", "{\"specversion\":"]);
    for letter in letters {
        assert_eq!((letter.queue.as_str(), letter.attempts, letter.event_type()), ("order.outbox", 1, "(no event)"));
        assert!(!letter.error.is_empty());
        let refused = bench.bus.replay(letter.dead_letter_id).await;
        assert!(matches!(refused, Err(BusError::StillUnreadable(_))), "{refused:?}");
        bench.bus.discard(letter.dead_letter_id).await.unwrap();
    }
    assert!(bench.bus.dead_letters(None).await.unwrap().is_empty());
}

pub async fn an_unreadable_event_becomes_a_dead_letter_and_does_not_stop_the_relay(bench: Arc<Bench>) {
    unreadable_rows_do_not_stop_the_relay(&bench, &bench.db).await;
}

#[tokio::test]
async fn unreadable_rows_on_postgresql_and_mysql_become_dead_letters() {
    if !on_engines() {
        return;
    }
    for service in ["order", "product"] {
        let stores = Stores::new();
        let db = Db::open(&stores.url(service), Access::ReadWrite).await.unwrap();
        db.migrate::<Tables>().await.unwrap();
        Bench::local().await.run(|bench| async move { unreadable_rows_do_not_stop_the_relay(&bench, &db).await }).await;
    }
}

#[tokio::test]
async fn a_row_that_is_no_text_becomes_a_dead_letter() {
    let bench = Bench::local().await;
    insert_unreadable(&bench.db, 9, "X'FF41'").await;
    start_relay(&bench, &bench.db, Arc::clone(&bench.bus));
    eventually("the outbox is empty", || async { pending(&bench.db).await == 0 }).await;
    let letters = bench.bus.dead_letters(None).await.unwrap();
    assert_eq!(letters[0].raw.as_deref(), Some("\u{fffd}A"));
    bench.stop.cancel();
}

/// A later version may read what an earlier one could not.
pub async fn a_letter_of_an_outbox_that_can_be_read_is_published_by_its_replay(bench: Arc<Bench>) {
    let envelope = bench.reserved(1);
    let event = UnreadableEvent {
        key: envelope.id.to_string(),
        body: serde_json::to_string(&envelope).unwrap(),
        error: "an unknown field".to_owned(),
    };
    // As after a crash before the event was deleted from the outbox.
    bench.bus.bury("order", std::slice::from_ref(&event)).await.unwrap();
    bench.bus.bury("order", &[event]).await.unwrap();
    let letters = bench.bus.dead_letters(Some("order")).await.unwrap();
    assert_eq!(letters.len(), 1);
    bench.bus.replay(letters[0].dead_letter_id).await.unwrap();
    assert_eq!(arrived(&*bench.bus, 1).await, [envelope.id]);
    assert!(bench.bus.dead_letters(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_that_is_published_again_is_delivered_again() {
    let bench = Bench::local().await;
    let envelopes = [bench.reserved(1), bench.reserved(2)];
    bench.bus.publish(&envelopes).await.unwrap();
    // As after a crash between publishing and deleting from the outbox.
    bench.bus.publish(&envelopes).await.unwrap();
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let delivered: Vec<Uuid> =
        subscription.next(10).await.unwrap().iter().map(|delivery| delivery.envelope.id).collect();
    assert_eq!(delivered, [ids(&envelopes), ids(&envelopes)].concat(), "which the inbox of its consumer detects");
}

#[tokio::test]
async fn events_stay_in_the_outbox_until_the_transport_confirms_them() {
    let bench = Bench::local().await;
    let away = CountingTransport::new(&bench.bus, false, 1);
    start_relay(&bench, &bench.db, away.clone());
    let envelopes: Vec<_> = (1..=3).map(|order| bench.reserved(order)).collect();
    write(&bench.db, envelopes.clone(), Ok(())).await.unwrap();
    tokio::time::timeout(Duration::from_millis(300), async {
        while pending(&bench.db).await == 3 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect_err("nothing may leave while the transport is away");
    away.is_back.store(true, Ordering::SeqCst);
    eventually("all have left", || async { pending(&bench.db).await == 0 }).await;
    assert_eq!(arrived(&*bench.bus, 3).await, ids(&envelopes));
    bench.stop.cancel();
}

/// An outbox that records the calls of its relay.
struct WatchedOutbox {
    inner: SqlOutbox,
    transport: Arc<CountingTransport>,
    /// Number of published events at each wait for new ones.
    published_at_waits: Mutex<Vec<usize>>,
    reports: AtomicU32,
}

#[async_trait::async_trait]
impl Outbox for WatchedOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        self.inner.claim(limit).await
    }
    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        self.inner.unpublished(limit).await
    }
    async fn backlog(&self) -> Result<Backlog, BusError> {
        self.reports.fetch_add(1, Ordering::SeqCst);
        self.inner.backlog().await
    }
    async fn written(&self) {
        let published = self.transport.given.lock().unwrap().len();
        self.published_at_waits.lock().unwrap().push(published);
        self.inner.written().await;
    }
}

/// Relays `count` events to a transport that takes at most `takes` of each batch. Returns the outbox after the first wait.
async fn relayed(bench: &Bench, count: i64, takes: usize) -> Arc<WatchedOutbox> {
    let envelopes: Vec<Envelope> = (1..=count).map(|order| bench.reserved(order)).collect();
    write(&bench.db, envelopes, Ok(())).await.unwrap();
    let inner = SqlOutbox::new(bench.db.clone());
    let transport = CountingTransport::new(&bench.bus, true, takes);
    let outbox = Arc::new(WatchedOutbox {
        inner,
        transport: Arc::clone(&transport),
        published_at_waits: Mutex::default(),
        reports: AtomicU32::new(0),
    });
    tokio::spawn(relay("order", outbox.clone(), transport, bench.clock.clone(), bench.stop.clone()));
    eventually("the relay waits", || async { !outbox.published_at_waits.lock().unwrap().is_empty() }).await;
    outbox
}

#[tokio::test]
async fn every_batch_is_published_before_the_relay_waits() {
    let bench = Bench::local().await;
    let outbox = relayed(&bench, 700, usize::MAX).await;
    assert_eq!(outbox.published_at_waits.lock().unwrap()[0], 700);
    bench.stop.cancel();
}

#[tokio::test]
async fn the_relay_waits_before_it_publishes_unconfirmed_events_again() {
    let bench = Bench::local().await;
    let outbox = relayed(&bench, 3, 1).await;
    assert_eq!(outbox.published_at_waits.lock().unwrap()[0], 1);
    eventually("all have left", || async { pending(&bench.db).await == 0 }).await;
    bench.stop.cancel();
}

#[tokio::test]
async fn the_relay_reports_its_backlog_again_and_again() {
    let bench = Bench::local().await;
    let outbox = relayed(&bench, 1, usize::MAX).await;
    eventually("it is reported three times", || async { outbox.reports.load(Ordering::SeqCst) >= 3 }).await;
    bench.stop.cancel();
}

#[tokio::test]
async fn an_outbox_waits_until_an_event_is_written() {
    let bench = Bench::local().await;
    let outbox = SqlOutbox::new(bench.db.clone());
    let waiting = outbox.written();
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    write(&bench.db, vec![bench.reserved(1)], Ok(())).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it is woken");
}

/// Relays on PostgreSQL and MySQL lock the rows that they claim.
async fn three_relays_publish_each_row_once(bench: Arc<Bench>, service: &'static str) {
    let stores = Stores::new();
    let url = stores.url(service);
    let open = || Db::open(&url, Access::ReadWrite);
    let one = open().await.unwrap();
    let other = open().await.unwrap();
    let third = open().await.unwrap();
    one.migrate::<Tables>().await.unwrap();
    let envelopes: Vec<Envelope> = (1..=2_000).map(|order| bench.reserved(order)).collect();
    for part in envelopes.chunks(500) {
        write(&one, part.to_vec(), Ok(())).await.unwrap();
    }
    // Claimed rows are skipped by other relays, and released when the claim is dropped.
    let claimed = SqlOutbox::new(one.clone()).claim(10).await.unwrap();
    let beside = SqlOutbox::new(other.clone()).claim(10).await.unwrap();
    let behind = SqlOutbox::new(third.clone()).claim(10).await.unwrap();
    assert_eq!(ids(claimed.envelopes()), ids(&envelopes[..10]));
    assert_eq!(ids(beside.envelopes()), ids(&envelopes[10..20]));
    assert_eq!(ids(behind.envelopes()), ids(&envelopes[20..30]));
    drop((claimed, beside, behind));
    eventually("they are released", || async {
        let claim = SqlOutbox::new(other.clone()).claim(30).await.unwrap();
        ids(claim.envelopes()) == ids(&envelopes[..30])
    })
    .await;

    let counting = CountingTransport::new(&bench.bus, true, usize::MAX);
    for relaying in [&one, &other, &third] {
        start_relay(&bench, relaying, counting.clone());
    }
    eventually("the outbox is empty", || async { pending(&one).await == 0 }).await;
    let given = counting.given.lock().unwrap().clone();
    assert_eq!(given.len(), 2_000);
    assert!(given.values().all(|times| *times == 1), "each row is published once");
    let mut arrived = arrived(&*bench.bus, 2_000).await;
    arrived.sort_unstable();
    assert_eq!(arrived, ids(&envelopes));
    bench.stop.cancel();
}

#[tokio::test]
async fn three_relays_on_one_postgresql_outbox_publish_each_row_once() {
    if crate::rabbit::is_there() {
        Bench::rabbit().await.run(|bench| three_relays_publish_each_row_once(bench, "order")).await;
    }
}

#[tokio::test]
async fn three_relays_on_one_mysql_outbox_publish_each_row_once() {
    if crate::rabbit::is_there() {
        Bench::rabbit().await.run(|bench| three_relays_publish_each_row_once(bench, "product")).await;
    }
}
