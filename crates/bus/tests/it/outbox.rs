//! From outbox to queue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use souk_bus::{BusError, DeadLetter, DeadLetterId, Outbox, Signal, SqlOutbox, Subscription, Transport, outbox, relay};
use souk_events::{Envelope, Queue, queue};
use souk_sql::SqlError;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Bench, eventually};

async fn write(bench: &Bench, envelopes: Vec<Envelope>, then: Result<(), SqlError>) -> Result<(), SqlError> {
    bench
        .db
        .write((envelopes, then), |tx, (envelopes, then)| {
            Box::pin(async move {
                outbox::add(tx, envelopes).await?;
                then.clone()
            })
        })
        .await
}

async fn pending(bench: &Bench) -> u64 {
    SqlOutbox::new(bench.db.clone()).backlog().await.unwrap().pending
}

fn start_relay(bench: &Bench, transport: Arc<dyn Transport>) -> CancellationToken {
    let stop = CancellationToken::new();
    let outbox = Arc::new(SqlOutbox::new(bench.db.clone()));
    tokio::spawn(relay("test", outbox, transport, bench.clock.clone(), stop.clone()));
    stop
}

#[tokio::test]
async fn what_commits_is_published_in_order_and_what_rolls_back_is_not() {
    let bench = Bench::new().await;
    let stop = start_relay(&bench, Arc::new(bench.bus.clone()));
    let refused = write(&bench, vec![bench.reserved(999)], Err(SqlError::Constraint("no".into()))).await;
    assert!(refused.is_err());
    let envelopes: Vec<Envelope> = (1..=700).map(|order| bench.reserved(order)).collect();
    for part in envelopes.chunks(100) {
        write(&bench, part.to_vec(), Ok(())).await.unwrap();
    }
    eventually("the outbox is empty", || async { pending(&bench).await == 0 }).await;
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let arrived: Vec<Uuid> =
        subscription.next(1_000).await.unwrap().into_iter().map(|delivery| delivery.envelope.id).collect();
    assert_eq!(arrived, envelopes.iter().map(|envelope| envelope.id).collect::<Vec<_>>());
    stop.cancel();
}

#[tokio::test]
async fn a_bus_file_that_comes_back_has_what_was_published() {
    let bench = Bench::new().await;
    bench.bus.publish(&[bench.reserved(1), bench.reserved(2)]).await.unwrap();
    let again = bench.bus_after_restart().await;
    // Published again after a crash between publishing and forgetting: no second copy while it waits.
    let mut subscription = again.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let waiting = subscription.next(10).await.unwrap();
    again.publish(&waiting.iter().map(|delivery| delivery.envelope.clone()).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(subscription.next(10).await.unwrap().len(), 2);
}

/// A transport that is away until it is told to be back.
#[derive(Debug)]
struct Away {
    is_back: AtomicBool,
    inner: souk_bus::LocalTransport,
}

#[async_trait::async_trait]
impl Transport for Away {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        if self.is_back.load(Ordering::SeqCst) {
            // Takes charge of the first only, as a broker may that returns a message.
            return self.inner.publish(&envelopes[..1]).await;
        }
        Err(SqlError::Unavailable("away".into()).into())
    }
    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        self.inner.subscribe(queue).await
    }
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.inner.signals()
    }
    async fn ping(&self) -> Result<(), BusError> {
        self.inner.ping().await
    }
    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        self.inner.dead_letters(service).await
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
async fn events_wait_while_the_transport_is_away_and_leave_one_by_one_as_it_takes_them() {
    let bench = Bench::new().await;
    let away = Arc::new(Away { is_back: AtomicBool::new(false), inner: bench.bus.clone() });
    let stop = start_relay(&bench, away.clone());
    write(&bench, (1..=3).map(|order| bench.reserved(order)).collect(), Ok(())).await.unwrap();
    tokio::time::timeout(Duration::from_millis(300), async {
        while pending(&bench).await == 3 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect_err("nothing may leave while the transport is away");
    away.is_back.store(true, Ordering::SeqCst);
    eventually("all have left", || async { pending(&bench).await == 0 }).await;
    let mut subscription = bench.bus.subscribe(&queue::ORDER_STOCK).await.unwrap();
    assert_eq!(subscription.next(10).await.unwrap().len(), 3);
    stop.cancel();
}
