//! Publishing: from the outbox to the queues.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use souk_bus::{
    Announcement, BusError, DeadLetter, DeadLetterId, Outbox, Signal, SqlOutbox, Subscription, Transport, outbox, relay,
};
use souk_events::{Envelope, Queue, queue};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{engine::Stores, eventually};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{Bench, Tables};

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
    tokio::spawn(relay("test", outbox, transport, bench.clock.clone(), bench.stop.clone()));
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

#[tokio::test]
async fn the_local_bus_stores_an_event_that_is_published_twice_once() {
    let bench = Bench::local().await;
    let envelopes = [bench.reserved(1), bench.reserved(2)];
    bench.bus.publish(&envelopes).await.unwrap();
    // As after a crash between publishing and deleting from the outbox.
    bench.bus.publish(&envelopes).await.unwrap();
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    assert_eq!(subscription.next(10).await.unwrap().len(), 2);
}

/// A transport that is unavailable until `is_back`, and counts the events that it publishes.
#[derive(Debug)]
struct CountingTransport {
    is_back: AtomicBool,
    takes: usize,
    given: Mutex<HashMap<Uuid, u32>>,
    inner: Arc<dyn Transport>,
}

impl CountingTransport {
    fn new(inner: &Arc<dyn Transport>, is_back: bool, takes: usize) -> Arc<Self> {
        let inner = Arc::clone(inner);
        Arc::new(Self { is_back: AtomicBool::new(is_back), takes, given: Mutex::default(), inner })
    }
}

#[async_trait::async_trait]
impl Transport for CountingTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        if !self.is_back.load(Ordering::SeqCst) {
            return Err(SqlError::Unavailable("away".into()).into());
        }
        let envelopes = &envelopes[..envelopes.len().min(self.takes)];
        for envelope in envelopes {
            *self.given.lock().unwrap().entry(envelope.id).or_default() += 1;
        }
        self.inner.publish(envelopes).await
    }
    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        self.inner.subscribe(queue).await
    }
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.inner.signals()
    }
    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        self.inner.announce(announcement).await
    }
    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.inner.announcements()
    }
    async fn ping(&self) -> Result<(), BusError> {
        self.inner.ping().await
    }
    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        self.inner.dead_letters(service).await
    }
    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        self.inner.dead_letter_counts(queues).await
    }
    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        self.inner.dead_letter(id).await
    }
    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        self.inner.replay(id).await
    }
    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        self.inner.discard(id).await
    }
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
